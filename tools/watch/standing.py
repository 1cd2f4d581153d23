"""How a run stands: finished, halted, paused, running, or silent without having said why."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from enum import StrEnum

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.monitor.events import Event
from neuromf.train.checkpoint import checkpoint_folders
from neuromf.train.run_folder import RunFolder
from tools.watch.event_log import HALTS

PATIENCE_STEPS = 20
"""Durations of a step without a row after which a run is no longer called running."""
PATIENCE_SECONDS = 60.0
"""And at least this long: an epoch's end, a checkpoint or a busy disk may hold up a step."""


class RunState(StrEnum):
    """State of a run, as its files tell it."""

    FINISHED = "finished"
    HALTED = "halted"
    PAUSED = "paused"
    RUNNING = "running"
    SILENT = "silent"


ENDED = (RunState.FINISHED, RunState.HALTED)
"""States that no further row follows."""


@dataclass(frozen=True)
class Standing:
    """Where a run stands.

    Attributes:
        state: what its files say.
        step: optimiser steps recorded.
        total: optimiser steps of the whole run.
        reason: why it was halted, or how long it has been silent; empty otherwise.
    """

    state: RunState
    step: int
    total: int
    reason: str = ""


def standing(run: RunFolder, config: Config, steps: int, events: list[Event]) -> Standing:
    """Read a run's state from its checkpoints, its events and the age of its trace.

    Args:
        run: the folder.
        config: its configuration.
        steps: rows of its trace.
        events: of the run.
    """
    total = run_facts(config).optimiser_steps
    saved = _newest_state(run)
    halts = [event.message for event in events if event.level in HALTS]
    halted = halts[-1] if halts else str(saved.get("halted", ""))
    if halted:
        return Standing(RunState.HALTED, steps, total, halted)
    if steps >= total:
        return Standing(RunState.FINISHED, steps, total)
    age = _age(run)
    at_checkpoint = saved.get("step") == steps
    # `--max-steps` ends with a checkpoint where none was due.
    if at_checkpoint and (steps % config.training.checkpoint_every_steps or age > PATIENCE_SECONDS):
        return Standing(RunState.PAUSED, steps, total, "continue it with --resume")
    if age <= max(PATIENCE_SECONDS, PATIENCE_STEPS * seconds_per_step(run, steps)):
        return Standing(RunState.RUNNING, steps, total)
    return Standing(RunState.SILENT, steps, total, f"no step for {duration(age)}: killed, or waiting")


def seconds_per_step(run: RunFolder, steps: int) -> float:
    """Mean duration of a step since the run was created, pauses included; 0 before the first."""
    if not steps or not run.environment.exists():
        return 0.0
    return max(run.trace.stat().st_mtime - run.environment.stat().st_mtime, 0.0) / steps


def duration(seconds: float) -> str:
    """A length of time in its largest fitting unit."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _age(run: RunFolder) -> float:
    """Seconds since the last row, or since the run was created."""
    newest = run.trace if run.trace.exists() else run.config
    return time.time() - newest.stat().st_mtime


def _newest_state(run: RunFolder) -> dict[str, object]:
    """The state file of the newest checkpoint; its tensors are not read, which may be many gigabytes."""
    for folder in checkpoint_folders(run.root):
        try:
            state = json.loads((folder / "state.json").read_text())
        except (OSError, ValueError):
            continue
        if isinstance(state, dict):
            return state
    return {}
