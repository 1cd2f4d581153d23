"""The headline of a run's report: a word, a colour and a sentence on how the run ended."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf_spec.laws.divergence import WARN_FACTOR

from neuromf.gate.result import format_value
from neuromf.monitor.guard.zero_predictor import anchor
from neuromf.report.change import Change, change_of
from neuromf.report.run_facts import ReportedRun
from neuromf.training.held_out.told import told
from neuromf.watch.event_log import HALT, alarms
from neuromf.watch.status import RunState

SENTENCES = {
    RunState.FINISHED: "finished after {step:,} optimiser steps",
    RunState.HALTED: "halted after {step:,} of {total:,} optimiser steps: {reason}",
    RunState.IRREPRODUCIBLE: "stopped after {step:,} of {total:,} optimiser steps: {reason}",
    RunState.PAUSED: "paused after {step:,} of {total:,} optimiser steps; {reason}",
    RunState.RUNNING: "still running, {step:,} of {total:,} optimiser steps done",
    RunState.SILENT: "stopped writing after {step:,} of {total:,} optimiser steps; {reason}",
}

EARLY = "ended early, after {step:,} of {total:,} optimiser steps: {reason}"


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
        held_out: what the validations found; empty where there was none.
    """

    level: str
    word: str
    sentence: str
    laws: tuple[str, ...]
    alarms: int
    raw: str
    weighted: str
    held_out: str = ""


def headline(run: ReportedRun) -> Headline:
    """Judge a run by its state, its alarms and what became of its raw loss."""
    raw, weighted = change_of(run.values("raw_total")), change_of(run.values("weighted"))
    raised = alarms(run.events)
    status = run.status
    return Headline(
        level=_level(run, raw),
        word=status.state.upper(),
        sentence=_sentence(run),
        laws=tuple(dict.fromkeys(event.law for event in raised if event.law)),
        alarms=len(raised),
        raw=raw.words + _above_nothing(run, raw) if raw else "was never finite",
        weighted=weighted.words if weighted else "was never finite",
        held_out=told(run.validations, run.config) if run.validations else "",
    )


def _sentence(run: ReportedRun) -> str:
    status = run.status
    early = status.state is RunState.FINISHED and status.total is not None and status.step < status.total
    text = EARLY if early else SENTENCES[status.state]
    return text.format(step=status.step, total=status.total, reason=_reason(run))


def _reason(run: ReportedRun) -> str:
    """What the event that ended the run says, or what the state means."""
    halts = [event.message for event in run.events if event.level == HALT]
    return halts[-1] if halts else run.status.reason


def _above_nothing(run: ReportedRun, raw: Change) -> str:
    """How far above predicting nothing the loss was, empty within the guard's bound (law GUARD-004).

    It says of a run that exploded in its first steps what its own start cannot.
    """
    times = raw.peak / anchor(run.config).total
    if times <= WARN_FACTOR:
        return ""
    return f", up to {format_value(float(f'{times:.3g}'))} times the loss of predicting nothing"


def _level(run: ReportedRun, raw: Change | None) -> str:
    """Red for a halt and for a loss that the guard would have warned of, whatever the state."""
    if run.status.state in (RunState.HALTED, RunState.IRREPRODUCIBLE) or raw is None or raw.broken:
        return "block"
    # `not <=` so that a level that is no number is red.
    if not raw.peak <= run.config.training.divergence_warn_ratio * raw.first or _above_nothing(run, raw):
        return "block"
    if alarms(run.events) or run.status.state is RunState.SILENT:
        return "warn"
    return "pass" if run.status.state is RunState.FINISHED else "info"
