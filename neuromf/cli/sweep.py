"""`neuromf sweep`: trains many configurations with paired seeds and compares them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuromf.cli.output_file import check_output_file
from neuromf.errors import InputError

if TYPE_CHECKING:
    from neuromf.sweep.arms import SweepArm
    from neuromf.sweep.jobs import Jobs
    from neuromf.sweep.specification import SweepFile

INCONCLUSIVE, STOPPED = 3, 75


def sweep(
    file: Annotated[
        str,
        typer.Argument(
            metavar="SWEEP", help="YAML file, or phase6, phase6_small, norm_p or loss_power, which come along."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the sweep.")] = Path("sweep"),
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Trainings side by side.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep in --out.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the arms and what they cost; train nothing.")
    ] = False,
    slurm: Annotated[bool, typer.Option("--slurm", help="Each training is a job of a SLURM cluster.")] = False,
    slurm_minutes: Annotated[
        int | None, typer.Option(min=2, max=525_600, help="Limit of each job; default 60.")
    ] = None,
    slurm_gpus: Annotated[int | None, typer.Option(min=1, max=64, help="GPUs of each job.")] = None,
    slurm_partition: Annotated[str | None, typer.Option(help="Where jobs run; default: the cluster's.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result as JSON.")] = None,
) -> None:
    """Train every arm of SWEEP with every seed, drop the worse ones on the way, and compare by paired differences.

    Exit code 0 when all was trained, 3 when the budget did not last, 75 when Ctrl-C stopped it: go on with --resume.
    """
    from neuromf.sweep.random_arms import import_optuna

    import_optuna()

    from neuromf.sweep.arms import arms_of, differing_keys, epochs_of
    from neuromf.sweep.rungs import rungs_of, validated_every
    from neuromf.sweep.specification import read_sweep
    from neuromf.sweep.yardstick import refuse_unlike

    wanted = {"minutes": slurm_minutes, "gpus": slurm_gpus, "partition": slurm_partition}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    for name in wanted if not slurm else ():
        raise InputError("is of no use without --slurm", remedy="add it or leave this out", key=f"--slurm-{name}")
    asked = read_sweep(file)
    rungs = rungs_of(asked, epochs_of(asked, file), file)
    arms = arms_of(asked, validated_every(rungs), file)
    refuse_unlike(differing_keys(arms), asked.metric, file)
    _show_plan(asked, arms, rungs, file)
    if dry_run:
        return
    _check_folder(out, resume=resume)
    if json_file is not None:
        check_output_file(json_file, "--json", keep=[])
    raise typer.Exit(_run(asked, arms, rungs, file, out, _jobs(out, jobs, wanted if slurm else None), json_file))


def _show_plan(asked: SweepFile, arms: list[SweepArm], rungs: list[int], file: str) -> None:
    from neuromf.cli.console import make_console
    from neuromf.sweep.rungs import steps_of

    most = sum(steps_of(arm.config, rungs[-1]) for arm in arms) * len(asked.seeds)
    console = make_console()
    each = f"{len(arms)} arms, {len(asked.seeds)} seed{'s' if len(asked.seeds) > 1 else ''} each"
    judged = f"compared after {' and '.join(map(str, rungs))} epochs by {asked.metric}"
    console.print(f"{file}: {each}, {judged}; at most {most:,} optimiser steps", soft_wrap=True)
    for arm in arms:
        console.print(f"  {arm.number:>3}  {arm.name}", soft_wrap=True)


def _check_folder(out: Path, *, resume: bool) -> None:
    from neuromf.sweep.journal import FILE

    if out.exists() and not out.is_dir():
        raise InputError("is a file", remedy="give a folder", file=out, key="--out")
    begun = (out / FILE).is_file()
    if resume and not begun:
        raise InputError("holds no sweep to resume", remedy="leave out --resume", file=out, key="--out")
    if begun and not resume:
        raise InputError("holds a sweep", remedy="go on with --resume or give another --out", file=out, key="--out")
    out.mkdir(parents=True, exist_ok=True)
    (out / "gates").mkdir(exist_ok=True)


def _jobs(out: Path, size: int, slurm: Mapping[str, Any] | None) -> Jobs:
    if slurm is not None:
        from neuromf.launch.submitit_jobs import WorkerResources
        from neuromf.sweep.slurm_jobs import SlurmJobs

        return SlurmJobs(out / "slurm", size, WorkerResources(**slurm))
    from neuromf.sweep.jobs import LocalJobs

    return LocalJobs(size)


def _run(
    asked: SweepFile, arms: list[SweepArm], rungs: list[int], file: str, out: Path, jobs: Jobs, json_file: Path | None
) -> int:
    """The exit code of a sweep."""
    from neuromf.cli.console import make_console
    from neuromf.cli.sweep_console import print_result, sentences
    from neuromf.lock import Lock
    from neuromf.output import write_output, writing
    from neuromf.report.sweep_page import sweep_page
    from neuromf.sweep.result import document, sweep_result, write_result
    from neuromf.sweep.session import SweepSession

    console = make_console()
    with Lock(out / ".lock", what=out, whose="another sweep"):
        session = SweepSession(asked, arms, rungs, out, jobs, on_progress=lambda told: console.print(
            f"{told.name}: {told.what}", soft_wrap=True))  # fmt: skip
        try:
            whole = session.run()
        except KeyboardInterrupt:
            console.print("stopped; trainings save themselves; go on with --resume")
            return STOPPED
        finally:
            jobs.close()
        result = sweep_result(asked, file, session.records, whole=whole, steps=session.spent.steps,
                              hours=session.spent.hours)  # fmt: skip
        with writing(out):
            files = write_result(out, result)
            write_output(out / "sweep.html", sweep_page(result, sentences(result)))
    if json_file is not None:
        from neuromf.json_text import json_text

        write_output(json_file, json_text(document(result)) + "\n")
    print_result(console, result, [*files, out / "sweep.html"])
    return 0 if whole else INCONCLUSIVE
