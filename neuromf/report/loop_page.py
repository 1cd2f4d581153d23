"""The report of loops of the user's own that a guard recorded: what is known of them, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuromf.any_loop.record import UNKNOWN
from neuromf.report.change import change_of
from neuromf.report.law_events import cited_laws, law_events
from neuromf.report.page import render_page
from neuromf.report.run_charts import loss_pictures, metric_pictures
from neuromf.report.run_facts import ChartedRun
from neuromf.watch.event_log import alarms
from neuromf.watch.status import RunState

COLOURS = {RunState.HALTED: "block", RunState.FINISHED: "pass", RunState.SILENT: "warn", RunState.RUNNING: "info"}


@dataclass(frozen=True)
class LoopSection:
    """What the page says of one loop before its charts.

    Attributes:
        run: the loop.
        level: colour, as a class of the page.
        sentence: how it stands.
        laws: that raised an alarm, or rules without a law by their names.
        alarms: how many.
        raw: what became of the judged loss.
    """

    run: ChartedRun
    level: str
    sentence: str
    laws: tuple[str, ...]
    alarms: int
    raw: str


def loop_sections(runs: Sequence[ChartedRun]) -> list[LoopSection]:
    """What is said of each loop."""
    return [_section(run) for run in runs]


def _section(run: ChartedRun) -> LoopSection:
    raised, change, status = alarms(run.events), change_of(run.values("raw_total")), run.status
    level = "warn" if raised and status.state is not RunState.HALTED else COLOURS[status.state]
    of = f" of {status.total:,}" if status.total else ""
    return LoopSection(
        run=run,
        level="block" if change is None or change.broken else level,
        sentence=f"{status.state.value} after {status.step:,}{of} steps: {status.reason}",
        laws=tuple(dict.fromkeys(event.law for event in raised)),
        alarms=len(raised),
        raw=change.words if change is not None else "was never finite",
    )


def loop_page(runs: Sequence[ChartedRun]) -> str:
    """HTML text of the report; it loads nothing from anywhere.

    Args:
        runs: at least one.
    """
    entries = law_events(runs)
    return render_page(
        "loop_page.html.j2",
        runs=runs,
        sections=loop_sections(runs),
        unknown=UNKNOWN,
        losses=loss_pictures(runs),
        details=metric_pictures(runs),
        entries=entries,
        cited=cited_laws(entries),
    )
