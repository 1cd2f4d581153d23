"""`neuromf bisect`: finds which of the keys that differ between two configurations broke the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuromf.cli.moved import run_tools
from neuromf.cli.output_file import check_output_file
from neuromf.config.provenance import layer_files
from neuromf.errors import InputError

if TYPE_CHECKING:
    from neuromf.bisect.executor import Executor

INCONCLUSIVE = 3
"""Exit code when no verified cause explains the bad run."""

FEWEST = 3
"""Fewest trainings of each end that can distinguish them: 2 of 2 against 0 of 2 happens by chance once in six times."""


def bisect(
    good: Annotated[str, typer.Argument(metavar="[GOOD]", help="Recipe or YAML file of the run that trains.")] = "",
    bad: Annotated[str, typer.Argument(metavar="[BAD]", help="Recipe or YAML file of the run that breaks.")] = "",
    oracle: Annotated[
        str, typer.Option(help="divergence, golden:CASE, law:ID or metric:COLUMN[:FACTOR].")
    ] = "divergence",
    budget: Annotated[int, typer.Option(min=1, help="Most probes after the calibration.")] = 200,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Probes side by side, a core each.")] = 1,
    seeds: Annotated[int, typer.Option(min=FEWEST, max=100, help="Trainings of each end in the calibration.")] = 5,
    seed: Annotated[int, typer.Option(min=0, max=10**12, help="Another one repeats the bisect anew.")] = 0,
    epochs: Annotated[int, typer.Option(min=1, max=100_000, help="Length of the bad run at small scale.")] = 16,
    full_scale: Annotated[bool, typer.Option("--full-scale", help="Train both as they are.")] = False,
    slurm: Annotated[bool, typer.Option("--slurm", help="Array jobs on a SLURM cluster, a core each.")] = False,
    slurm_minutes: Annotated[
        int | None, typer.Option(min=2, max=525_600, help="Limit of each job; 60 unless given.")
    ] = None,
    slurm_gpus: Annotated[
        int | None, typer.Option(min=1, max=64, help="GPUs of each job; --full-scale uses them.")
    ] = None,
    slurm_partition: Annotated[
        str | None, typer.Option(help="Where the jobs run; the cluster's default if not given.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the journal in --out.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the answer as JSON.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of journal and answer.")] = Path("bisect"),
    commits: Annotated[str, typer.Option(hidden=True)] = "",
    case: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Find the smallest set of differing keys that breaks GOOD; exit 0 when found, 3 when not, 2 for bad input."""
    wanted = {"minutes": slurm_minutes, "gpus": slurm_gpus, "partition": slurm_partition}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    _refuse_without_slurm(wanted, slurm=slurm)
    if commits or case:  # until the next release
        raise typer.Exit(run_tools(["bisect-commits", *([commits] if commits else []), "--case", case]))
    if not good or not bad:
        raise InputError("two configurations are needed", remedy="give GOOD and BAD", key="GOOD BAD")

    from neuromf.bisect.study import make_study

    device = _probe_device(full_scale=full_scale, slurm=slurm, gpus=slurm_gpus)
    study = make_study(good, bad, oracle, repeats=seeds, seed=seed, epochs=epochs, full_scale=full_scale, device=device)
    path = _journal_path(out, resume=resume)
    if json_file is not None:
        check_output_file(json_file, "--json", keep=[*layer_files([good, bad]), path])

    from neuromf.bisect.answer import document, write_answer
    from neuromf.bisect.journal import ProbeJournal
    from neuromf.bisect.session import Session
    from neuromf.cli.bisect_console import print_answer, print_study, probe_printer
    from neuromf.cli.console import make_console
    from neuromf.json_text import json_text
    from neuromf.output import write_output, writing

    console = make_console()
    print_study(console, study, idle_gpus=bool(slurm_gpus) and study.device == "cpu")
    with ProbeJournal(path, study.question(), study.names) as journal, probe_printer(console, study) as show:
        executor = _executor(out, jobs, wanted if slurm else None)
        try:
            finished = Session(study=study, executor=executor, journal=journal, budget=budget, on_answer=show).run()
        finally:
            executor.close()
    found = document(study, finished)
    with writing(out):
        files = write_answer(out, study, found, finished.conclusion.causes)
    if json_file is not None:
        write_output(json_file, json_text(found) + "\n")
    print_answer(console, found, files)
    raise typer.Exit(0 if found["ending"] == "found" else INCONCLUSIVE)


def _probe_device(*, full_scale: bool, slurm: bool, gpus: int | None) -> str:
    """What every probe must have: one that found another device would not be comparable."""
    if not full_scale:
        return "cpu"
    if slurm:
        return "cpu" if gpus is None else "cuda"

    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _journal_path(out: Path, *, resume: bool) -> Path:
    if out.exists() and not out.is_dir():
        raise InputError("is a file", remedy="give a folder", file=out, key="--out")
    path = out / "journal.jsonl"
    if resume and not path.is_file():
        raise InputError("holds no bisect to resume", remedy="leave out --resume", file=out, key="--out")
    if path.is_file() and not resume:
        raise InputError("holds a bisect", remedy="go on with --resume or give another --out", file=out, key="--out")
    out.mkdir(parents=True, exist_ok=True)
    return path


def _refuse_without_slurm(wanted: Mapping[str, object], *, slurm: bool) -> None:
    for name in wanted:
        if not slurm:
            raise InputError("is of no use without --slurm", remedy="add it or leave this out", key=f"--slurm-{name}")


def _executor(out: Path, jobs: int, slurm: Mapping[str, Any] | None) -> Executor:
    """Jobs with the resources in `slurm`, or processes on this machine when that is None."""
    if slurm is not None:
        from neuromf.bisect.slurm import SlurmExecutor
        from neuromf.launch.submitit_jobs import WorkerResources

        return SlurmExecutor(out / "slurm", jobs, WorkerResources(**slurm))
    from neuromf.bisect.executor import LocalExecutor

    return LocalExecutor(jobs)
