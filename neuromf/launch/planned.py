"""The jobs of a launch, from the command's options and the site file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neuromf.errors import InputError
from neuromf.launch.choice import Choice, ChoiceLayer, Value, choose
from neuromf.launch.encoding_job import encoding_choice
from neuromf.launch.gpu_request import gpu_request, recounted, with_count
from neuromf.launch.job import SlurmJob
from neuromf.launch.options import UserOptions
from neuromf.launch.site import Site, read_site

MINUTES = 24 * 60
"""Default time limit of a job; SLURM queues the job again after it, and the training resumes (one turn of the job)."""


@dataclass(frozen=True)
class Planned:
    """What a launch would queue.

    Attributes:
        job: the training, without cores and memory.
        choice: what it asks for.
        encoding: what a job that encodes before it asks for.
    """

    job: SlurmJob
    choice: Choice
    encoding: Choice

    def record(self, *, encodes: bool) -> dict[str, object]:
        """For launch.json: what each job asks for, and where it comes from."""
        training = {"gpus": self.job.gpus, **self.choice.record()}
        return {"training": training, **({"encoding": self.encoding.record()} if encodes else {})}

    def lines(self) -> list[str]:
        """What was chosen for the training, save the defaults, each with its place."""
        chosen = [(f"{name} {value}", self.choice.sources[name]) for name, value in self.choice.values.items()]
        chosen += zip(self.choice.options.lines, self.choice.option_sources, strict=True)
        return [f"{what} ({source})" for what, source in chosen if source != DEFAULT]


DEFAULT = "default"


def plan(out: Path, gpus: int, typed: Mapping[str, Value | None], sbatch: Sequence[str], site: Path | None) -> Planned:
    """The job, in folders that do not exist yet.

    Args:
        out: folder of the run.
        gpus: of the whole job.
        typed: options of the command, by the names of `neuromf.launch.choice.OPTIONS`.
        sbatch: further options of `sbatch`.
        site: of --site.

    Raises:
        InputError: there is a run or a launch already, an option is none or breaks the job, or a name would not survive
            a script.
    """
    said = {name: value for name, value in typed.items() if value is not None}
    run = out.absolute()
    named = [(f"--{name}", str(value)) for name, value in said.items()]
    _check_words([("--out", str(run)), *named, *(("--sbatch", line) for line in sbatch)])
    _check_place(run, out)
    known, place = read_site(site)
    layers = [
        ChoiceLayer("the command", said, UserOptions.read(sbatch)),
        _site_layer(known, place),
        ChoiceLayer(DEFAULT, {"nodes": 1, "minutes": MINUTES}, UserOptions.read([])),
    ]
    choice = _counted(choose(layers), layers, gpus)
    job = _job(run, gpus, choice)
    encoding = encoding_choice(known.encoding, str(place), choice, min(gpus, 1))
    for folder in (job.run, job.folder):
        if folder.exists():
            raise InputError("exists already", remedy="give another --out, or move it away", file=folder, key="--out")
    return Planned(job, choice, encoding)


def _job(run: Path, gpus: int, choice: Choice) -> SlurmJob:
    nodes = choice.number("nodes") or 1
    if gpus % nodes:
        problem = f"{gpus} GPUs cannot be shared evenly by {nodes} nodes"
        raise InputError(problem, remedy="give --gpus, the GPUs of all nodes together", key="--nodes")
    choice.options.check(gpus, nodes)
    return SlurmJob(
        cwd=Path.cwd(), run=run, folder=run.with_name(f"{run.name}.launch"), gpus=gpus, nodes=nodes,
        minutes=choice.number("minutes") or MINUTES, partition=choice.text("partition"), account=choice.text("account"),
        qos=choice.text("qos"), constraint=choice.text("constraint"), gres=choice.text("gres"), options=choice.options,
    )  # fmt: skip


def _site_layer(site: Site, place: Path) -> ChoiceLayer:
    values: dict[str, Value] = {
        name: value for name, value in site if value is not None and name not in ("sbatch", "encoding")
    }
    return ChoiceLayer(str(place), values, UserOptions.read(site.sbatch or []), key="sbatch", file=str(place))


def _counted(choice: Choice, layers: Sequence[ChoiceLayer], gpus: int) -> Choice:
    """The choice with a number of GPUs in its --gres: of a site file those that the run has, of the command as typed.

    Raises:
        InputError: the command asks for another number.
    """
    gres, each = choice.text("gres"), gpus // (choice.number("nodes") or 1)
    if gres is None:
        return choice
    if "gres" in layers[0].values:
        gres = with_count(gres, each)
        asked = gpu_request("gres", gres)
        if asked is not None and not asked.agrees(each):
            problem = f"asks for {asked.text} on a node, and --gpus or training.gpus for {each}"
            raise InputError(problem, remedy="say the same number in both, or none here", key="--gres")
    else:
        gres = recounted(gres, each)
    return Choice(dict(choice.values) | {"gres": gres}, choice.options, choice.sources, choice.option_sources)


def _check_words(words: Sequence[tuple[str, str]]) -> None:
    for key, text in words:
        if not text.isprintable():
            raise InputError(f"{text!r} cannot stand in a script", remedy="leave control characters out", key=key)


def _check_place(run: Path, out: Path) -> None:
    if not run.name or not run.parent.is_dir():
        raise InputError("is no place for a run", remedy="name a new folder in one that exists", file=out, key="--out")
    if "\\" in str(run):  # in the name of a log it would have sbatch leave the job's number out, and look elsewhere
        raise InputError("holds a backslash", remedy="give a name without one, for sbatch", file=out, key="--out")
