"""The report's table of laws: every law that judges a configuration or a training, with its result for each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuromf_spec.law import Law
from neuromf_spec.laws import silent_faults
from neuromf_spec.registry import laws

from neuromf.errors import InputError
from neuromf.gate.check import Arguments
from neuromf.gate.result import LawResult
from neuromf.gate.static import static_findings
from neuromf.gate.training_checks import share_arguments, split_arguments, validation_arguments
from neuromf.monitor.checks.runtime_checks import step_readings
from neuromf.monitor.events import LEVELS, Event
from neuromf.report.run_facts import ReportedRun
from neuromf.watch.event_log import HALT, alarms

GUARD = ("NUM-001", "GUARD-001", "GUARD-004", "GUARD-005", "GUARD-006")
"""Laws that the divergence guard judges in every run."""
CHECKED = ("OPT-002", "OPT-005", "EMA-001", *(law.id for law in silent_faults.LAWS))
"""Laws for which the trainer looks at weights and optimiser now and then, unless its monitors are off."""
BROKEN = ("block", "policy", "warn")
"""Colours of a law that does not hold."""


@dataclass(frozen=True)
class Judgement:
    """What a law says of one run at one time.

    Attributes:
        text: the finding.
        colour: class of the page that shows it; empty where there is nothing to show.
    """

    text: str
    colour: str = ""


@dataclass(frozen=True)
class LawRow:
    """One law of the table.

    Attributes:
        law: its entry.
        planned: by the configuration, a judgement a run.
        trained: by what happened in training, a judgement a run.
    """

    law: Law
    planned: tuple[Judgement, ...]
    trained: tuple[Judgement, ...]

    @property
    def broken(self) -> bool:
        """Whether the law does not hold of one of the runs."""
        return any(judgement.colour in BROKEN for judgement in (*self.planned, *self.trained))


def law_rows(runs: Sequence[ReportedRun]) -> list[LawRow]:
    """Every law with a say, in the order of the registry."""
    planned = [{result.law_id: result for result in _static(run)} for run in runs]
    watched = [(run, watched_laws(run)) for run in runs]
    rows = [
        LawRow(law, tuple(_planned(found.get(law.id)) for found in planned), tuple(_trained(law, *w) for w in watched))
        for law in laws().values()
    ]
    return [row for row in rows if any(judgement.text for judgement in (*row.planned, *row.trained))]


def _static(run: ReportedRun) -> list[LawResult]:
    """By the scans that the run began with: those that lie in the folder now are none of its concern, or are gone."""
    if run.config.data.root is None:
        return static_findings(run.config, {})
    from neuromf.training.latents.frozen import began_with  # here, for it imports torch, which takes seconds

    arguments: dict[str, Arguments | None]
    try:
        scans = began_with(run.folder, run.config)
        arguments = {
            "DATA-002": split_arguments(run.config, scans),
            "VAL-001": validation_arguments(run.config, scans),
            "VAL-003": share_arguments(run.config, scans),
        }
    except InputError:  # one from before scans were recorded, far from home: the page is made without these laws
        arguments = {"DATA-002": None, "VAL-001": None, "VAL-003": None}
    return static_findings(run.config, {}, arguments)


def watched_laws(run: ReportedRun) -> frozenset[str]:
    """Ids of the laws that the trainer judged while this run went on; others it leaves to the gate and to tests."""
    if not run.config.training.monitors:
        return frozenset(GUARD)
    ends = (run.trace.row(0), run.trace.row(-1))
    by_rows = {reading.law_id for row in ends for reading in step_readings(run.config, row)}
    without = {"EMA-001"} if run.config.ema.decay is None else set()
    validated = {"VAL-005"} if run.validations else set()
    return frozenset({*GUARD, *CHECKED, *by_rows, *validated} - without)


def _planned(result: LawResult | None) -> Judgement:
    if result is None:
        return Judgement("")
    return Judgement(f"{result.found}, bound {result.bound}", result.status)


def _trained(law: Law, run: ReportedRun, watched: frozenset[str]) -> Judgement:
    raised = [event for event in alarms(run.events) if event.law == law.id]
    if raised:
        return _raised(raised)
    return Judgement("no alarm", "pass") if law.id in watched else Judgement("")


def _raised(raised: Sequence[Event]) -> Judgement:
    """The first of the gravest alarms."""
    first = min(raised, key=lambda event: LEVELS.index(event.level))
    word, colour = ("halted", "block") if first.level == HALT else ("warned", "warn")
    return Judgement(f"{word} at step {first.step:,}" + (f", {len(raised)} alarms" if len(raised) > 1 else ""), colour)
