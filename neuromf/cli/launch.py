"""`neuromf launch`: the whole gate, then a job on a SLURM cluster that trains exactly what passed."""

from __future__ import annotations

import json
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
    from neuromf.launch.job import SlurmJob
    from neuromf.launch.planned import Planned


def launch(
    config: ConfigArgument,
    out: Annotated[Path, typer.Option("--out", help="Run folder that the job makes; must not exist.")],
    override: SetOption = None,
    init_from: InitFromOption = None,
    waivers: WaiversOption = None,
    gpus: Annotated[
        int | None,
        typer.Option("--gpus", min=0, max=64, help="GPUs of the whole job; default training.gpus, 0 for none."),
    ] = None,
    nodes: Annotated[
        int | None, typer.Option("--nodes", min=1, max=64, help="Nodes that share the GPUs evenly; default 1.")
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
    account: Annotated[str | None, typer.Option("--account", help="Account that pays.")] = None,
    qos: Annotated[str | None, typer.Option("--qos", help="Quality of service.")] = None,
    constraint: Annotated[str | None, typer.Option("--constraint", help="Features that a node must have.")] = None,
    gres: Annotated[
        str | None,
        typer.Option("--gres", help="How GPUs are asked for, as gpu:a100; a node's number is added where none is."),
    ] = None,
    sbatch: Annotated[
        list[str] | None,
        typer.Option("--sbatch", metavar="OPTION", help="Option of sbatch, as --sbatch=--mem=64G; replaces ours."),
    ] = None,
    site: Annotated[
        Path | None, typer.Option("--site", help="Site file; default ~/.config/neuromf/cluster.yaml, if there is one.")
    ] = None,
    encoders: Annotated[
        int,
        typer.Option("--encoders", min=1, max=1000, help="Tasks that share the encoding, if there is any."),
    ] = 1,
    cluster_test: Annotated[
        bool, typer.Option("--cluster-test/--no-cluster-test", help="Ask first whether the cluster takes the jobs.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the scripts and ask the cluster; judge, write and queue nothing.")
    ] = False,
    write_only: Annotated[bool, typer.Option("--write-only", help="Write the script, do not submit it.")] = False,
) -> None:
    """Pass the whole gate, smoke training included, and queue the training on SLURM; exit code 1 when a law blocks it.

    Configuration, verdict and script go to OUT.launch. The job requires its GPUs, runs one process for each, and
    requests cores and memory by an estimate. Two minutes before its time limit it saves and queues itself again, unless
    it made no progress twice in a row. What the cluster would refuse (`sbatch --test-only`) is told before the gate
    takes its minute.

    An option outweighs the site file, which may hold partition, account, qos, constraint, gres, minutes, nodes and
    sbatch, and under `encoding:` the same for the job that encodes. launch.json in OUT.launch and in the run's folder
    says what was chosen, and from where. An option given with --sbatch replaces the script's own: name, time, cores,
    memory, the way GPUs are requested. Options that the job cannot work with are refused: arrays, other numbers of
    tasks or GPUs, another signal. With --sbatch=--no-requeue it saves and ends.

    Where your scans are not encoded yet, a job that encodes them, on one node with one GPU, is queued before, and the
    training waits for it.
    """
    overrides = with_start(override, init_from)
    settings = load_config(config, overrides)

    from neuromf.cli.console import make_console
    from neuromf.cli.smoke_training import few_threads, opened_inputs, smoke_training
    from neuromf.config.resolve import resolved_text
    from neuromf.gate.console import print_verdict
    from neuromf.gate.judge import LaunchCandidate, judge
    from neuromf.gate.waivers import all_waivers
    from neuromf.launch.planned import plan
    from neuromf.launch.submit import require_sbatch
    from neuromf.training.process_group.ranks import ProcessGroup
    from neuromf.training.validation import refuse_impossible, refuse_uneven

    refuse_impossible(settings)
    wanted = settings.training.gpus if gpus is None else gpus
    typed = {"nodes": nodes, "minutes": minutes, "partition": partition, "account": account, "qos": qos,
             "constraint": constraint, "gres": gres}  # fmt: skip
    planned = plan(out, wanted, typed, tuple(sbatch or ()), site)
    asks = cluster_test and not write_only and (not dry_run or shutil.which("sbatch") is not None)
    if not write_only and not dry_run:
        require_sbatch()
    granted, console = all_waivers(waivers), make_console()
    candidate = LaunchCandidate.of(settings, config, overrides)
    if dry_run:
        _show(planned, candidate, encoders, asks=asks)
        return
    verdict = judge(candidate, granted)
    jobs: list[SlurmJob] = []
    if verdict.status == "PASS":  # what is blocked on paper needs no scans and no smoke training
        refuse_uneven(settings, ProcessGroup(0, planned.job.processes.total))
        start = time.perf_counter()
        if asks:
            jobs = _jobs(planned, candidate, encoders)
            _ask(jobs)
        inputs = opened_inputs(candidate, trains=True)
        verdict = judge(candidate, granted, inputs=inputs, started=start)
        if verdict.status == "PASS":
            jobs = jobs or _jobs(planned, candidate, encoders)
            with few_threads():  # on a node where others work too
                verdict = judge(candidate, granted, smoke_training(candidate), inputs=inputs, started=start)
    print_verdict(console, verdict)
    if verdict.status != "PASS":
        raise typer.Exit(1)
    for line in planned.lines():
        console.print(f"asks for {line}", soft_wrap=True)
    _write(jobs, planned, resolved_text(settings), verdict.to_json())
    _queue(jobs, write_only=write_only)


def _jobs(planned: Planned, candidate: LaunchCandidate, tasks: int) -> list[SlurmJob]:
    """The jobs with cores and memory, the encoding first where the scans of the user are not encoded.

    Cores and memory are left out where there is no autoencoder, which the gate tells.
    """
    from neuromf.launch.encoding_job import encoding_of
    from neuromf.launch.resources import encoding_resources, resources
    from neuromf.nets.vae import load_vae
    from neuromf.nets.vae_source import vae_source
    from neuromf.training.latents.store import encoded_store

    config, job = candidate.config, planned.job
    scans = candidate.subjects
    try:
        vae = load_vae(vae_source(config.vae)).architecture
    except InputError:
        return [job]
    training = replace(job, resources=resources(config, vae, scans, job.gpus // job.nodes))
    if config.data.root is None or encoded_store(config, candidate.scans) is not None:
        return [training]
    needs = encoding_resources(config, vae, scans, min(job.gpus, 1))
    return [encoding_of(job, planned.encoding, needs, tasks), training]


def _ask(jobs: list[SlurmJob]) -> None:
    from neuromf.launch.submit import ask_cluster

    for job in jobs:
        ask_cluster(job)


def _show(planned: Planned, candidate: LaunchCandidate, tasks: int, *, asks: bool) -> None:
    """The scripts as they would be written, each under a line with its name."""
    jobs = _jobs(planned, candidate, tasks)
    for line in planned.lines():
        print(f"# {line}")
    for job in jobs:
        print(f"# {job.script}\n{job.text()}")
    if asks:
        _ask(jobs)
        print("# the cluster would take it")


def _queue(jobs: list[SlurmJob], *, write_only: bool) -> None:
    """Give the jobs to the scheduler, or say what to type.

    Raises:
        InputError: it refuses one; then none is queued, and the folder of the launch is gone.
    """
    from neuromf.cli.console import make_console
    from neuromf.launch.encoding_job import EncodingJob, typed_after
    from neuromf.launch.submit import submit, withdraw

    *before, job = jobs
    console, encoding = make_console(), next((one for one in before if isinstance(one, EncodingJob)), None)
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


def _write(jobs: list[SlurmJob], planned: Planned, config: str, verdict: str) -> None:
    """The folder of the launch, whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    from neuromf.data.staging import staged_directory

    job = jobs[-1]
    record = json.dumps(planned.record(encodes=len(jobs) > 1), indent=1) + "\n"
    try:
        with staged_directory(job.folder) as staging:
            texts = [(one.script, one.text()) for one in jobs]
            for path, text in ((job.config, config), (job.ticket, verdict), (job.choice, record), *texts):
                (staging / path.name).write_text(text, encoding="utf-8")
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
        raise InputError(problem, remedy="give an --out where there is room", file=job.folder, key="--out") from error
