"""How a run goes on: from its newest whole checkpoint, or from its start when there was none yet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from neuromf.config.resolve import config_hash
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.monitor.events import Event, append_event, drop_events, read_events
from neuromf.trace.reader import steps_covered
from neuromf.training.checkpoints.checkpoint import Checkpoint, latest_checkpoint
from neuromf.training.checkpoints.folders import checkpoint_folders, remove_unfinished, set_aside, step_of
from neuromf.training.checkpoints.restore import restore
from neuromf.training.records.run_folder import RunFolder
from neuromf.training.records.storage import written_to
from neuromf.training.records.summary import read_summary
from neuromf.training.step.state import TrainState


def resume_run(state: TrainState, run: RunFolder, config: Config) -> list[Event]:
    """Put the newest whole checkpoint into `state`, or nothing when the run was killed before its first.

    Rank 0 chooses, for all read the same folder.

    Returns:
        Which checkpoints are damaged, and from which the run goes on.

    Raises:
        InputError: no checkpoint is whole, the run was halted, or it belongs to another configuration; then nothing was
            written.
    """
    chosen = state.group.run_on_rank_zero(partial(_choose, run, config))
    if chosen.checkpoint is not None:
        restore(state, chosen.checkpoint, config_hash(config))
    state.group.run_on_rank_zero(partial(_tidy, run, state.step, chosen))
    where = "the start, for none was written" if chosen.checkpoint is None else f"{chosen.checkpoint.path}"
    return [*chosen.damaged, Event(step=state.step, level="info", law="CKPT-001", message=f"going on from {where}")]


@dataclass(frozen=True)
class _Choice:
    """Where a run goes on from.

    Attributes:
        checkpoint: the newest whole one that the trace covers; None before the first.
        damaged: one event for each newer one that is passed over.
        ahead: checkpoints of steps that the trace does not have.
    """

    checkpoint: Checkpoint | None
    damaged: list[Event]
    ahead: list[Path]


def _choose(run: RunFolder, config: Config) -> _Choice:
    with written_to(run.root):
        remove_unfinished(run.root)
    read_summary(run.summary)  # now, not at the end of the first epoch
    read_events(run.events)
    damaged: list[str] = []
    covered = steps_covered(run.trace)
    checkpoint = latest_checkpoint(run.root, damaged, covered=covered)
    if checkpoint is None and damaged:
        remedy = "restore one, or start a new run with another --out"
        problem = f"holds no whole checkpoint ({damaged[0].removesuffix('.')})"
        raise InputError(problem, remedy=remedy, file=run.root / "checkpoints")
    if checkpoint is None and _lines(run.trace) > config.training.checkpoint_every_steps + 1:
        problem = "the trace goes further than the first checkpoint, but there is none"
        raise InputError(problem, remedy="restore the checkpoints, or start a new run", file=run.root / "checkpoints")
    if checkpoint is not None:
        _refuse_halted(checkpoint)
    events = [Event(step=0, level="warn", law="CKPT-001", message=said) for said in damaged]
    return _Choice(checkpoint, events, [path for path in checkpoint_folders(run.root) if step_of(path) > covered])


def _tidy(run: RunFolder, step: int, chosen: _Choice) -> None:
    """Make room for what the run writes from `step` on."""
    with written_to(run.root):
        # Another trainer may have written it: once the trace is as long, a later resume would take it for this run's.
        for path in chosen.ahead:
            set_aside(path)
        for event in chosen.damaged:
            append_event(run.events, event)
        drop_events(run.events, step)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _refuse_halted(checkpoint: Checkpoint) -> None:
    """A halted run would halt again, and push its last good checkpoint out one step at a time."""
    if checkpoint.state["halted"]:
        problem = f"the guard halted this run ({checkpoint.state['halted']})"
        remedy = "start a new run with a corrected configuration, or remove this folder to go on from the one before"
        raise InputError(problem, remedy=remedy, file=checkpoint.path)
