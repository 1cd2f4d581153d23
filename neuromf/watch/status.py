"""The status of a run, judged from its files: finished, halted, irreproducible, paused, running or silent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from neuromf.monitor.events import Event
from neuromf.training.checkpoints.folders import checkpoint_folders
from neuromf.training.records.run_folder import RunFolder
from neuromf.watch.event_log import HALT

PATIENCE_STEPS = 20
"""Durations of a step without a row after which a run is no longer called running."""
PATIENCE_SECONDS = 60.0
"""And at least this long: an epoch's end, a checkpoint or a busy disk may hold up a step."""


class RunState(StrEnum):
    """State of a run; SILENT is one that stopped writing without recording an end."""

    FINISHED = "finished"
    HALTED = "halted"
    IRREPRODUCIBLE = "irreproducible"
    PAUSED = "paused"
    RUNNING = "running"
    SILENT = "silent"


ENDED = (RunState.FINISHED, RunState.HALTED, RunState.IRREPRODUCIBLE)
"""States that no further row follows."""
EXIT_CODES = {RunState.SILENT: 1, RunState.HALTED: 16, RunState.IRREPRODUCIBLE: 17}
"""What a watch of such a run ends with, the training's own codes; 0 in every other state."""


@dataclass(frozen=True)
class RunStatus:
    """State and progress of a run.

    Attributes:
        state: finished, running and so on.
        step: optimiser steps recorded.
        total: optimiser steps of the whole run; None where they are not known, as of a loop that a guard recorded.
        age: seconds since the newest row, or since the run was created; None where neither file is there.
        reason: what the state means, or what to do.
    """

    state: RunState
    step: int
    total: int | None
    age: float | None
    reason: str


@dataclass(frozen=True)
class Saved:
    """What the newest checkpoint says.

    Attributes:
        step: optimiser steps done; -1 without a checkpoint.
        halted: why the guard halted the run there; empty when it did not.
    """

    step: int = -1
    halted: str = ""


@dataclass(frozen=True)
class Signs:
    """The facts from which a run's state is judged.

    Attributes:
        step: rows of its trace.
        total: optimiser steps of the whole run.
        checkpoint_every: steps from one checkpoint that is due to the next.
        age: seconds since the newest row, or since the run was created; None where neither file is there.
        seconds: duration of a step, None where it is not known.
        saved: its newest checkpoint.
        stopped: why it ended early by its validations; empty where it did not.
    """

    step: int
    total: int
    checkpoint_every: int
    age: float | None
    seconds: float | None
    saved: Saved
    stopped: str = ""


def newest_saved(run: RunFolder) -> Saved:
    """The state file of the newest checkpoint; its tensors are not read, which may be many gigabytes."""
    for folder in checkpoint_folders(run.root):
        try:
            state: Any = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            return Saved(int(state["step"]), str(state["halted"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # damaged, or removed a moment ago: read the one before it
    return Saved()


def judge_status(signs: Signs, events: Sequence[Event]) -> RunStatus:
    """A run's state from its checkpoints, its events and the age of its trace."""
    state, reason = _ending(signs, events) or _progress(signs)
    return RunStatus(state, signs.step, signs.total, signs.age, reason)


def _ending(signs: Signs, events: Sequence[Event]) -> tuple[RunState, str] | None:
    halts = [event for event in events if event.level == HALT]
    if any(event.law == "NUM-002" for event in halts):
        return RunState.IRREPRODUCIBLE, "a step did not repeat itself (exit code 17); --resume on another machine"
    if halts or signs.saved.halted:
        law = f" by law {halts[-1].law}" if halts else ""
        return RunState.HALTED, f"stopped{law}, with a checkpoint (exit code 16)"
    if signs.step >= signs.total:
        return RunState.FINISHED, "all steps are done (exit code 0)"
    return (RunState.FINISHED, f"stopped early, {signs.stopped} (exit code 0)") if signs.stopped else None


def _progress(signs: Signs) -> tuple[RunState, str]:
    saved = signs.saved.step == signs.step
    patience = max(PATIENCE_SECONDS, PATIENCE_STEPS * (signs.seconds or 0.0))
    # `<=`, so that an unknown age is no life sign.
    alive = signs.age is not None and signs.age <= patience
    # `--max-steps` ends with a checkpoint where none was due.
    if saved and (signs.step % signs.checkpoint_every or not alive):
        return RunState.PAUSED, "the last step is in a checkpoint (exit code 0); continue with --resume"
    if alive:
        return RunState.RUNNING, "" if signs.step else "no step is done yet"
    return RunState.SILENT, "no step for long, and no end was written: killed, or waiting for something"


def duration(seconds: float) -> str:
    """A length of time in its largest fitting unit."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
