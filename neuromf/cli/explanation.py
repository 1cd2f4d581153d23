"""The explanation of a halted training on one screen: the alarm, earlier warnings, likely causes, next commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from neuromf.config.schema import Config
from neuromf.diagnosis.diagnosis import Suspect, diagnose
from neuromf.monitor.events import Event, read_events
from neuromf.trace.columns import Row, number_or_none
from neuromf.trace.reader import read_rows
from neuromf.training.held_out.record import read_validations
from neuromf.training.records.run_folder import RunFolder
from neuromf.training.records.summary import latest_blocks, read_summary

SHOWN = ("raw_total", "raw_fm", "raw_mf", "weighted", "objective", "grad_norm")
SUSPECTS = 3
WARNINGS = 6


def explain_halt(run: RunFolder, config: Config) -> str:
    """The explanation of a run that was stopped, at most a screen long."""
    return "\n".join(_lines(run, read_rows(run.trace), read_events(run.events), config)) + "\n"


def _lines(run: RunFolder, rows: Sequence[Row], events: Sequence[Event], config: Config) -> Iterator[str]:
    halts = [event for event in events if event.level == "halt"]
    for event in halts[-1:]:
        rank = "" if event.rank is None else f", rank {event.rank}"
        yield f"STOPPED at step {event.step}{rank} by law {event.law}"
        yield f"  {event.message}"
        yield f"  what still held: {', '.join(event.fine) or 'nothing that was judged'}"
    yield from _numbers(rows)
    warnings = [event for event in events if event.level == "warn"]
    for event in warnings[:WARNINGS]:
        yield f"warned at step {event.step}{f', {event.law}' if event.law else ''}: {event.message}"
    blocks = latest_blocks(read_summary(run.summary), run.summary)
    suspects = diagnose(config, rows, events, blocks, read_validations(run.validations))
    yield from suspect_lines(suspects)
    # The guard's own law says only that it was armed: a suspect's says what to mend.
    for law in [suspect.law for suspect in suspects[:1]] or [event.law for event in halts[-1:]]:
        yield f"next: neuromf laws show {law}"
    yield f"next: neuromf report {shlex.quote(str(run.root))} --out report.html"


def _numbers(rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        ends = [rows[0], rows[-1]] if len(rows) > 1 else [rows[0]]
        yield f"step {' -> '.join(str(row['step']) for row in ends)}: " + ", ".join(
            f"{name} {' -> '.join(_shown(number_or_none(row, name)) for row in ends)}" for name in SHOWN
        )


def suspect_lines(suspects: Sequence[Suspect]) -> Iterator[str]:
    """The likeliest suspects, each with the evidence for and against it and what to try."""
    for suspect in suspects[:SUSPECTS]:
        yield f"suspect: {suspect.name} ({suspect.law}, score {suspect.score:.2f})"
        for evidence in suspect.supporting:
            yield f"  for: {evidence}"
        for evidence in suspect.against:
            yield f"  against: {evidence}"
        for number in suspect.neither:
            yield f"  neither: {number}"
        yield f"  try: {suspect.try_next}"


def _shown(value: float | str | None) -> str:
    return "-" if value is None or isinstance(value, str) else f"{value:.4g}"
