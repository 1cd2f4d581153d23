"""What is most likely wrong with a run, from its configuration, its trace, its events and its blocks' gradient norms.

Signs are read from these four and turned into points (`evidence.py`). Each cause adds the points of its questions
(`causes.py`); the sum is the logarithm of its odds. A run without a symptom has no suspects, even if its configuration
breaks laws: that is for the gate to report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuromf_spec.law import Finding
from neuromf_spec.registry import law, laws

from neuromf.comparison.table import TraceTable
from neuromf.config.schema import Config
from neuromf.diagnosis.causes import CAUSES, JUDGED_BY_COLUMNS, SYMPTOMS, VISIBILITY_LAWS, Cause
from neuromf.diagnosis.held_out import held_out_signs
from neuromf.diagnosis.symptoms.blocks import BlockNorms, block_signs
from neuromf.diagnosis.symptoms.configuration import config_signs, law_findings
from neuromf.diagnosis.symptoms.evidence import LIMIT, SignReading, fact, score
from neuromf.diagnosis.symptoms.field import field_signs
from neuromf.diagnosis.symptoms.loss import loss_signs
from neuromf.diagnosis.symptoms.update import exposed, update_signs
from neuromf.monitor.checks.trace_summary import TraceSummary, summarise
from neuromf.monitor.events import Event
from neuromf.trace.columns import Row
from neuromf.training.held_out.record import ValidationRow

ALARMS = ("warn", "halt")


@dataclass(frozen=True)
class Suspect:
    """One likely cause.

    Attributes:
        name: of the cause.
        law: id of the law that holds it.
        score: 0..1, how strongly the evidence points there.
        supporting: evidence for it, each a sentence with numbers.
        against: evidence against it.
        try_next: what to do, one sentence.
        neither: numbers that seem to say something of it and do not, each with the reason.
    """

    name: str
    law: str
    score: float
    supporting: tuple[str, ...]
    against: tuple[str, ...]
    try_next: str
    neither: tuple[str, ...] = ()


def diagnose(
    config: Config,
    trace: Sequence[Row] | TraceTable,
    events: Sequence[Event],
    blocks: BlockNorms | None = None,
    validations: Sequence[ValidationRow] = (),
) -> list[Suspect]:
    """Causes with any evidence for them, the likeliest first; none where nothing is wrong.

    Args:
        config: the run.
        trace: rows or arrays, whole or in part; a cell may be empty, and `epoch_rows` makes rows of a curve by epoch.
        events: its events.
        blocks: its latest gradient norms by block, where any were recorded.
        validations: of the run, oldest first.
    """
    findings = law_findings(config)
    alarms = [event for event in events if event.level in ALARMS]
    signs = read_signs(config, summarise(trace), alarms, findings, blocks)
    signs |= dict(held_out_signs(config, validations))
    if not _has_symptom(signs, alarms):
        return []
    return ranked(CAUSES, config, signs, alarms, findings)


def ranked(
    causes: Sequence[Cause],
    config: Config | None,
    signs: dict[str, SignReading],
    alarms: Sequence[Event],
    findings: Mapping[str, Finding],
) -> list[Suspect]:
    """Causes with any evidence for them, the likeliest first, of a run with which something is wrong.

    Args:
        causes: those that are weighed.
        config: the run, None where it is not one of ours.
        signs: what is known of it, by name.
        alarms: warnings and halts.
        findings: laws judged on its configuration, as far as that is known.
    """
    weighed = [weigh(cause, config, signs, findings) for cause in causes]
    suspects = [suspect for suspect in (*weighed, *_from_alarms(alarms)) if suspect.supporting]
    # A stable sort: equal scores keep the order of the table.
    return sorted(suspects, key=lambda suspect: -suspect.score)


def read_signs(
    config: Config,
    summary: TraceSummary,
    alarms: Sequence[Event],
    findings: dict[str, Finding],
    blocks: BlockNorms | None = None,
) -> dict[str, SignReading]:
    """Every sign that can be read, by name; one that cannot, for want of a column or of steps, is absent."""
    signs = dict(config_signs(config, findings))
    long_enough = exposed(config, summary.last_step)
    signs |= dict(loss_signs(config, summary, long_enough))
    signs |= dict(field_signs(config, summary))
    signs |= dict(update_signs(config, summary, long_enough))
    signs |= dict(block_signs(config, blocks, blocks is not None and exposed(config, blocks.step)))
    signs["non_finite"] = non_finite_sign(summary)
    signs["weight_turns"] = fact(False, "a positive weight turns no gradient: it can hide a divergence, not cause one")
    for alarm in alarms:
        signs.setdefault(f"event {alarm.law}", SignReading(LIMIT, f"step {alarm.step}, {alarm.law}: {alarm.message}"))
    return signs


def weigh(
    cause: Cause, config: Config | None, signs: Mapping[str, SignReading], findings: Mapping[str, Finding]
) -> Suspect:
    """One cause as a suspect, with every answered question on one side or the other."""
    known = [[signs[name] for name in question if name in signs] for question in cause.expects]
    loudest = [max(readings, key=lambda reading: reading.points) for readings in known if readings]
    excluding = [signs[entry.sign].opposed(entry.why) for entry in cause.excluded_by if entry.sign in signs]
    answers = [*loudest, *sorted(excluding, key=lambda reading: reading.points)[:1]]
    broken = [law_id for law_id in cause.laws if law_id in findings and not findings[law_id].passed]
    return Suspect(
        name=cause.name,
        law=broken[0] if broken else cause.laws[-1],
        score=score(sum(answer.points for answer in answers)),
        # All that is for it is shown, though of each question only the loudest counts.
        supporting=tuple(reading.says for readings in known for reading in readings if reading.points > 0),
        against=tuple(answer.says for answer in answers if answer.points < 0),
        try_next=_try_next(cause, config, [findings[law_id] for law_id in broken]),
        neither=tuple(f"{signs[entry.sign].says}: {entry.why}" for entry in cause.silent if entry.sign in signs),
    )


def _has_symptom(signs: dict[str, SignReading], alarms: Sequence[Event]) -> bool:
    if any(alarm.level == "halt" or alarm.law not in VISIBILITY_LAWS for alarm in alarms):
        return True
    return any(name in signs and signs[name].points > 0 for name in SYMPTOMS)


def non_finite_sign(summary: TraceSummary) -> SignReading:
    """The first number that is not finite, or that all are."""
    found = summary.broken
    if found is None:
        return fact(False, f"all numbers of {len(summary.steps)} rows are finite")
    stage = found.column.stage
    says = f"the first is {found.column.name} = {found.value} at step {found.step}, in causal order, of stage {stage}"
    return fact(True, f"{says} ({found.column.meaning})")


def _from_alarms(alarms: Sequence[Event]) -> list[Suspect]:
    """A suspect for each law that an alarm names and no cause of the table uses."""
    by_law = {alarm.law: alarm for alarm in reversed(alarms) if alarm.law in laws()}
    return [
        Suspect(law(name).title, name, score(LIMIT), (f"step {a.step}: {a.message}",), (), law(name).remedy)
        for name, a in by_law.items()
        if name not in JUDGED_BY_COLUMNS
    ]


def _try_next(cause: Cause, config: Config | None, broken: list[Finding]) -> str:
    """The values with which the broken laws would hold, else what the table or the law says.

    Of a run that is not ours it is said in words: its keys are not known.
    """
    if config is None:
        return cause.elsewhere or law(cause.laws[-1]).remedy
    values = dict.fromkeys(value for finding in broken for value in finding.passing_value.split())
    if values:
        return f"Set {' '.join(values)} and train again."
    rate = config.training.learning_rate
    text = cause.try_next or law(cause.laws[-1]).remedy
    return text.format(lower_rate=f"{rate / 10:.1e}", higher_rate=f"{rate * 10:.1e}")
