"""How a run goes on: from its newest whole checkpoint, or from its start when there was none yet."""

from __future__ import annotations

from pathlib import Path

from neuromf.config.resolve import config_hash
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.monitor.events import Event, append_event, drop_events
from neuromf.train.checkpoint import Checkpoint, latest_checkpoint, remove_unfinished, restore
from neuromf.train.run_folder import RunFolder
from neuromf.train.state import TrainState
from neuromf.train.summary import read_summary


def resume_run(state: TrainState, run: RunFolder, config: Config) -> None:
    """Put the newest whole checkpoint into `state`, or nothing when the run was killed before its first.

    Raises:
        InputError: no checkpoint is whole, the run was halted, or it belongs to another configuration.
    """
    remove_unfinished(run.root)
    read_summary(run.summary)  # now, not at the end of the first epoch
    damaged: list[str] = []
    checkpoint = latest_checkpoint(run.root, damaged)
    for message in damaged:
        append_event(run.events, Event(step=0, level="warn", law="CKPT-001", message=message))
    if checkpoint is None and damaged:
        remedy = "restore one, or start a new run with another --out"
        raise InputError("holds no whole checkpoint", remedy=remedy, file=run.root / "checkpoints")
    if checkpoint is None and _lines(run.trace) > config.training.checkpoint_every_steps + 1:
        problem = "the trace goes further than the first checkpoint, but there is none"
        raise InputError(problem, remedy="restore the checkpoints, or start a new run", file=run.root / "checkpoints")
    if checkpoint is not None:
        _refuse_halted(checkpoint)
        restore(state, checkpoint, config_hash(config))
    drop_events(run.events, state.step)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _refuse_halted(checkpoint: Checkpoint) -> None:
    """A halted run would halt again, and push its last good checkpoint out one step at a time."""
    if checkpoint.state["halted"]:
        problem = f"the guard halted this run ({checkpoint.state['halted']})"
        remedy = "start a new run with a corrected configuration, or remove this folder to go on from the one before"
        raise InputError(problem, remedy=remedy, file=checkpoint.path)
