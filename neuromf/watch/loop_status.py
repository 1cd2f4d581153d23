"""The status of a loop of the user's own that a guard recorded: neither its length nor its checkpoints are known."""

from __future__ import annotations

from collections.abc import Sequence

from neuromf.any_loop.record import UNKNOWN
from neuromf.monitor.events import Event
from neuromf.watch.event_log import HALT
from neuromf.watch.status import PATIENCE_SECONDS, PATIENCE_STEPS, RunState, RunStatus


def judge_loop(
    *, step: int, total: int | None, ended: bool, age: float | None, seconds: float | None, events: Sequence[Event]
) -> RunStatus:
    """A loop's state.

    Args:
        step: rows of its trace.
        total: steps of the whole loop, None where its guard was not told.
        ended: whether it closed its guard.
        age: seconds since it was last known to work.
        seconds: duration of a step.
        events: alarms, oldest first.
    """
    halts = [event for event in events if event.level == HALT]
    patience = max(PATIENCE_SECONDS, PATIENCE_STEPS * (seconds or 0.0))
    if halts and halts[-1].step >= step - 1:
        state, reason = RunState.HALTED, f"its guard said stop, by {halts[-1].law}"
    elif ended or (total is not None and step >= total):
        state, reason = RunState.FINISHED, "the loop closed its guard" if ended else "all steps are done"
    elif age is not None and age <= patience:
        state, reason = RunState.RUNNING, "" if step else "no step is done yet"
    else:
        state, reason = RunState.SILENT, "no step for long, and the loop did not close its guard"
    if state is RunState.RUNNING and halts:
        reason = f"it goes on although its guard said stop at step {halts[-1].step}, by {halts[-1].law}"
    return RunStatus(state, step, total, age, f"{reason}; {UNKNOWN}" if reason else UNKNOWN)
