"""Read a path, whatever log it is, and judge every run in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from neuromf.any_loop.record import is_loop_record
from neuromf.diagnosis.logs.judge import NOTHING_KNOWN, judge_log
from neuromf.diagnosis.logs.knowledge import RunKnowledge
from neuromf.diagnosis.logs.verdict import LogVerdict
from neuromf.diagnosis.symptoms.configuration import law_findings
from neuromf.logs.readers.read import read_logs
from neuromf.training.records.run_folder import RunFolder, open_run
from neuromf.watch.event_log import whole_events


def diagnose_path(
    path: Path, said: Mapping[str, str] | None = None, known: RunKnowledge | None = None
) -> list[LogVerdict]:
    """A verdict on each run that a path holds, at least one.

    Args:
        path: a file or a folder of any known log.
        said: what the user says that columns are, quantity -> column; `step` numbers the rows.
        known: what the user's configuration says of the run; of a folder of ours its own is read where None.

    Raises:
        InputError: nothing there is a log, or it has no such column.
    """
    logs = read_logs(path, (said or {}).get("step"))
    known = _own(path) if known is None else known
    return [judge_log(log, said, known) for log in logs]


def _own(path: Path) -> RunKnowledge:
    """The configuration and the alarms of a run of ours, the alarms alone of a loop's record; nothing of any other."""
    folder = RunFolder(path)
    if is_loop_record(path):
        return RunKnowledge(name=str(folder.events), events=whole_events(folder.events))
    if not (folder.config.is_file() and folder.trace.is_file()):
        return NOTHING_KNOWN
    _, config = open_run(path)
    return RunKnowledge(
        name=str(folder.config),
        config=config,
        findings=law_findings(config),
        events=whole_events(folder.events),
        folder=folder,
    )
