"""`neuromf launch`: the whole gate, then a job on a SLURM cluster that trains exactly what passed."""

from __future__ import annotations

import shlex
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.cli.options import ConfigArgument, InitFromOption, SetOption, WaiversOption, with_start
from neuromf.config.load import load_config
from neuromf.errors import InputError

if TYPE_CHECKING:
    from neuromf.gate.judge import LaunchCandidate
    from neuromf.launch.encoding_job import EncodingJob
    from neuromf.launch.job import SlurmJob
    from neuromf.launch.resources import JobResources

MINUTES = 24 * 60
"""Default time limit of a job; SLURM queues the job again after it, and the training resumes (one turn of the job)."""


def launch(
    config: ConfigArgument,
    out: Annotated[Path, typer.Option("--out", help="Run folder that the job makes; must not exist.")],
    override: SetOption = None,
    init_from: InitFromOption = None,
    waivers: WaiversOption = None,
    gpus: Annotated[
        int | None, typer.Option("--gpus", min=0, max=64, help="GPUs of the job; default training.gpus, 0 for none.")
    ] = None,
    minutes: Annotated[
        int | None,
        typer.Option(
            "--minutes",
            min=5,
            max=60 * 24 * 365,
            help="Time limit of the job, 1440 by default; it is queued again after it.",
        ),
    ] = None,
    partition: Annotated[str | None, typer.Option("--partition", help="Partition of the cluster.")] = None,
    sbatch: Annotated[
        list[str] | None,
        typer.Option("--sbatch", metavar="OPTION", help="Option of sbatch, as --sbatch=--account=ours; replaces ours."),
    ] = None,
    encoders: Annotated[
        int,
        typer.Option("--encoders", min=1, max=1000, help="Tasks that share the encoding, if there is any."),
    ] = 1,
    write_only: Annotated[bool, typer.Option("--write-only", help="Write the script, do not submit it.")] = False,
) -> None:
    """Pass the whole gate, smoke training included, and queue the training on SLURM; exit code 1 when a law blocks it.

    Configuration, verdict and script go to OUT.launch. The job requires its GPUs, runs one process for each, and
    requests cores and memory by an estimate. Two minutes before its time limit it saves and queues itself again, unless
    it made no progress twice in a row. An option given with --sbatch replaces the script's own: name, time, cores,
    memory, the way GPUs are requested. Options that the job cannot work with are refused: arrays, several nodes or
    tasks, another signal, another number of GPUs. With --sbatch=--no-requeue it saves and ends.

    Where your scans are not encoded yet, a job that encodes them is queued before, and the training waits for it.
    """
    overrides = with_start(override, init_from)
    settings = load_config(config, overrides)

    from neuromf.cli.console import make_console
    from neuromf.cli.smoke_training import few_threads, opened_inputs, smoke_training
    from neuromf.config.resolve import resolved_text
    from neuromf.gate.console import print_verdict
    from neuromf.gate.judge import LaunchCandidate, judge
    from neuromf.gate.waivers import all_waivers
    from neuromf.launch.encoding_job import typed_after
    from neuromf.launch.submit import require_sbatch, submit, withdraw
    from neuromf.training.process_group.ranks import ProcessGroup
    from neuromf.training.validation import refuse_impossible, refuse_uneven

    refuse_impossible(settings)
    wanted = settings.training.gpus if gpus is None else gpus
    job = _job(out, wanted, minutes, partition, tuple(sbatch or ()))
    if not write_only:
        require_sbatch()
    granted, console = all_waivers(waivers), make_console()
    candidate = LaunchCandidate.of(settings, config, overrides)
    verdict = judge(candidate, granted)
    if verdict.status == "PASS":  # what is blocked on paper needs no scans and no smoke training
        refuse_uneven(settings, ProcessGroup(0, max(wanted, 1)))
        start = time.perf_counter()
        inputs = opened_inputs(candidate, trains=True)
        verdict = judge(candidate, granted, inputs=inputs, started=start)
        if verdict.status == "PASS":
            job = replace(job, resources=_resources(candidate, wanted))
            with few_threads():  # on a node where others work too
                verdict = judge(candidate, granted, smoke_training(candidate), inputs=inputs, started=start)
    print_verdict(console, verdict)
    if verdict.status != "PASS":
        raise typer.Exit(1)
    encoding = _encoding(candidate, job, encoders)
    _write(job, encoding, resolved_text(settings), verdict.to_json())
    if write_only:
        typed = typed_after(encoding, job) if encoding else f"sbatch {shlex.quote(str(job.script))}"
        console.print(f"next: {typed}", soft_wrap=True)
        return
    first = ""
    try:
        first = submit(encoding) if encoding else ""
        number = submit(job, after=first)
    except InputError:
        if first:
            withdraw(first)
        shutil.rmtree(job.folder)  # so that the next try may write there
        raise
    if encoding:
        console.print(f"job {first} encodes the scans first", soft_wrap=True)
    console.print(f"job {number} trains {job.run}; next: neuromf watch {shlex.quote(str(job.run))}", soft_wrap=True)


def _encoding(candidate: LaunchCandidate, job: SlurmJob, tasks: int) -> EncodingJob | None:
    """The job that encodes the user's scans, where that is not done."""
    from neuromf.launch.encoding_job import encoding_of
    from neuromf.training.latents.store import encoded_store

    config = candidate.config
    if config.data.root is None or encoded_store(config, candidate.scans) is not None:
        return None
    return encoding_of(job, tasks)


def _job(out: Path, gpus: int, minutes: int | None, partition: str | None, options: tuple[str, ...]) -> SlurmJob:
    """The job, in folders that do not exist yet.

    Raises:
        InputError: there is a run or a launch already, an option is none or breaks the job, or a name would not survive
            a script.
    """
    from neuromf.launch.job import SlurmJob
    from neuromf.launch.options import UserOptions

    run = out.absolute()
    for key, text in (("--out", str(run)), ("--partition", partition or "-"), *(("--sbatch", o) for o in options)):
        if not text.isprintable():
            raise InputError(f"{text!r} cannot stand in a script", remedy="leave control characters out", key=key)
    if not run.name or not run.parent.is_dir():
        raise InputError("is no place for a run", remedy="name a new folder in one that exists", file=out, key="--out")
    if "\\" in str(run):  # in the name of a log it would have sbatch leave the job's number out, and look elsewhere
        raise InputError("holds a backslash", remedy="give a name without one, for sbatch", file=out, key="--out")
    added = UserOptions.read(options)
    added.check(gpus, minutes, partition)
    job = SlurmJob(
        cwd=Path.cwd(), run=run, folder=run.with_name(f"{run.name}.launch"), gpus=gpus,
        minutes=MINUTES if minutes is None else minutes, partition=partition, options=added,
    )  # fmt: skip
    for folder in (job.run, job.folder):
        if folder.exists():
            raise InputError("exists already", remedy="give another --out, or move it away", file=folder, key="--out")
    return job


def _resources(candidate: LaunchCandidate, gpus: int) -> JobResources:
    """What the job needs of a node, by scans and autoencoder, which were opened before."""
    from neuromf.launch.resources import resources
    from neuromf.nets.vae import load_vae
    from neuromf.nets.vae_source import vae_source

    config = candidate.config
    scans = len(candidate.scans) or config.data.demo_subjects
    return resources(config, load_vae(vae_source(config.vae)).architecture, scans, gpus)


def _write(job: SlurmJob, encoding: EncodingJob | None, config: str, verdict: str) -> None:
    """The folder of the launch, whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    from neuromf.data.staging import staged_directory

    try:
        with staged_directory(job.folder) as staging:
            scripts = [(one.script, one.text()) for one in (job, encoding) if one is not None]
            for path, text in ((job.config, config), (job.ticket, verdict), *scripts):
                (staging / path.name).write_text(text, encoding="utf-8")
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
        raise InputError(problem, remedy="give an --out where there is room", file=job.folder, key="--out") from error
