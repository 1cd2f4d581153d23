"""The verdict on a run, readable in five seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuromf.gate.result import format_value
from neuromf.report.run_facts import ReportedRun
from neuromf.watch.event_log import HALT, alarms
from neuromf.watch.standing import RunState

WINDOW = 10
"""Steps whose median is one level of a loss: a single step's has a long tail."""
SENTENCES = {
    RunState.FINISHED: "finished after {step:,} optimiser steps",
    RunState.HALTED: "halted after {step:,} of {total:,} optimiser steps: {reason}",
    RunState.IRREPRODUCIBLE: "stopped after {step:,} of {total:,} optimiser steps: {reason}",
    RunState.PAUSED: "paused after {step:,} of {total:,} optimiser steps; {reason}",
    RunState.RUNNING: "still running, {step:,} of {total:,} optimiser steps done",
    RunState.SILENT: "stopped writing after {step:,} of {total:,} optimiser steps; {reason}",
}


@dataclass(frozen=True)
class Headline:
    """What the page says first about a run.

    Attributes:
        level: `block`, `warn`, `info` or `pass`, which colours it.
        word: the state.
        sentence: the state with step and reason.
        laws: ids of the laws that raised an alarm, in order.
        alarms: number of alarms.
        raw: what became of the raw loss.
        weighted: what became of the weighted loss meanwhile.
    """

    level: str
    word: str
    sentence: str
    laws: tuple[str, ...]
    alarms: int
    raw: str
    weighted: str


@dataclass(frozen=True)
class Change:
    """Median of a column's finite values over its first and its last steps.

    Attributes:
        first: at the start.
        last: at the end.
        broken: whether the very last value is not finite.
    """

    first: float
    last: float
    broken: bool

    @property
    def ratio(self) -> float:
        """Last over first; NaN where that means nothing."""
        return self.last / self.first if self.first > 0 else np.nan

    @property
    def words(self) -> str:
        """The change as a clause."""
        ends = f"{format_value(self.first)} → {format_value(self.last)}{' → not finite' if self.broken else ''}"
        if self.ratio >= 2:
            return f"rose {format_value(float(f'{self.ratio:.3g}'))}-fold, {ends}"
        percent = 100 * abs(self.ratio - 1)
        if percent >= 0.5:
            return f"{'rose' if self.ratio > 1 else 'fell'} by {percent:.0f} %, {ends}"
        return f"did not move, {ends}"


def change(run: ReportedRun, column: str) -> Change | None:
    """How a column moved over a run; None where it has no finite value."""
    values = run.values(column)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    first, last = float(np.median(finite[:WINDOW])), float(np.median(finite[-WINDOW:]))
    return Change(first, last, broken=not np.isfinite(values[-1]))


def headline(run: ReportedRun) -> Headline:
    """Judge a run by its state, its alarms and what became of its raw loss."""
    raw, weighted = change(run, "raw_total"), change(run, "weighted")
    raised = alarms(run.events)
    standing = run.standing
    return Headline(
        level=_level(run, raw),
        word=standing.state.upper(),
        sentence=SENTENCES[standing.state].format(step=standing.step, total=standing.total, reason=_reason(run)),
        laws=tuple(dict.fromkeys(event.law for event in raised if event.law)),
        alarms=len(raised),
        raw=raw.words if raw else "was never finite",
        weighted=weighted.words if weighted else "was never finite",
    )


def _reason(run: ReportedRun) -> str:
    """What the event that ended the run says, or what the state means."""
    halts = [event.message for event in run.events if event.level == HALT]
    return halts[-1] if halts else run.standing.reason


def _level(run: ReportedRun, raw: Change | None) -> str:
    """Red for a halt and for a loss that the guard would have warned of, whatever the state."""
    if run.standing.state in (RunState.HALTED, RunState.IRREPRODUCIBLE) or raw is None or raw.broken:
        return "block"
    if raw.ratio > run.config.training.divergence_warn_ratio:
        return "block"
    if alarms(run.events) or run.standing.state is RunState.SILENT:
        return "warn"
    return "pass" if run.standing.state is RunState.FINISHED else "info"
