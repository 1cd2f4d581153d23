"""The likely causes of what a log shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neuromf.config.schema import Config
from neuromf.diagnosis.causes import CAUSES
from neuromf.diagnosis.diagnosis import Suspect, diagnose, ranked, read_signs
from neuromf.diagnosis.logs.broken_numbers import BrokenNumber
from neuromf.diagnosis.logs.knowledge import RunKnowledge, block_norms_of
from neuromf.diagnosis.logs.levels import Levels
from neuromf.diagnosis.logs.plain_causes import PLAIN_CAUSES
from neuromf.diagnosis.logs.signs import finding_signs, log_signs, plain_signs, summary_of
from neuromf.diagnosis.logs.verdict import LogAlarm
from neuromf.diagnosis.logs.watched import Watched
from neuromf.logs.log import RunLog
from neuromf.logs.quantities import Recognised
from neuromf.monitor.events import Event
from neuromf.training.held_out.record import read_validations
from neuromf.training.records.run_folder import RunFolder
from neuromf.training.records.summary import latest_blocks, read_summary
from neuromf.watch.whole_trace import whole_table

OF_ANY_LOG = ("rose",), ("early",)
"""Questions that a log answers of a learning rate, where a MeanFlow's does not part its FM loss from its MF loss."""
LOG_CAUSES = tuple(
    replace(cause, expects=(*cause.expects, *OF_ANY_LOG)) if cause.name == "a learning rate that is too high" else cause
    for cause in CAUSES
)


def suspects_of(
    log: RunLog,
    recognised: Sequence[Recognised],
    losses: Watched,
    levels: Levels | None,
    broken: Sequence[BrokenNumber],
    alarms: Sequence[LogAlarm],
    known: RunKnowledge,
) -> list[Suspect]:
    """Causes of alarms, the likeliest first: a MeanFlow's where the run is one, those of any training elsewhere."""
    events = [_event(alarm) for alarm in alarms]
    if known.config is not None and known.folder is not None:
        return _of_own_run(known.config, known.folder, known.events)
    if known.config is not None:
        summary = summary_of(log, recognised, losses, levels)
        signs = read_signs(known.config, summary, events, dict(known.findings), block_norms_of(log))
        return ranked(CAUSES, known.config, signs, events, known.findings)
    since = min(alarm.since for alarm in alarms)
    signs = finding_signs(known.findings) | dict(plain_signs(log, recognised, levels, broken, since))
    if losses.is_meanflow or known.findings:
        return ranked(LOG_CAUSES, None, signs | log_signs(log, recognised, losses, levels), events, known.findings)
    return ranked(PLAIN_CAUSES, None, signs, events, known.findings)


def _of_own_run(config: Config, folder: RunFolder, events: Sequence[Event]) -> list[Suspect]:
    """What our own diagnosis says of a run of ours, by every step of its trace."""
    blocks = latest_blocks(read_summary(folder.summary), folder.summary)
    trace = whole_table(folder.trace)
    validations = read_validations(folder.validations)
    return diagnose(config, [] if trace is None else trace, events, blocks, validations)


def _event(alarm: LogAlarm) -> Event:
    return Event(step=round(alarm.step), level="halt" if alarm.stops else "warn", law=alarm.law, message=alarm.says)
