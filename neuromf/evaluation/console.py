"""Prints an evaluation: a table of measures, the verdict of each law, and the answer in one line."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuromf.counted import counted
from neuromf.evaluation.metrics.bootstrap import Interval
from neuromf.evaluation.metrics.catalogue import MEASURES, Measure
from neuromf.evaluation.result import Judged, SampleEvaluation
from neuromf.gate.result import format_value
from neuromf.readable import printable

STYLES = {Judged.HOLDS: "green", Judged.BROKEN: "bold red", Judged.CANNOT_TELL: "yellow"}
ANSWERS = {Judged.HOLDS: "PASS", Judged.BROKEN: "FAILED", Judged.CANNOT_TELL: "CANNOT TELL"}
ARROWS = {"low": "low is good", "high": "high is good", "real": "as real scans"}
NONE = "–"


def print_evaluation(console: Console, evaluation: SampleEvaluation) -> None:
    """Print all of it."""
    console.print(about(evaluation), soft_wrap=True)
    console.print(_table(evaluation))
    for verdict in evaluation.verdicts:
        line = Text(f"{verdict.law_id} {verdict.judged.value}", style=STYLES[verdict.judged])
        samples = f"samples in {counted(verdict.evaluations, 'evaluation')}"
        line.append(f": {verdict.title}; {samples}: {verdict.found}, bound {verdict.bound}", style="default")
        console.print(line, soft_wrap=True)
        for said in (verdict.detail, verdict.remedy):
            if said:
                console.print(f"  {said}", soft_wrap=True)
    for note in evaluation.notes:
        console.print(printable(note), soft_wrap=True)
    console.print(closing_line(evaluation), soft_wrap=True)


def about(evaluation: SampleEvaluation) -> str:
    """What was compared with what, in a sentence."""
    held_out = f"{counted(evaluation.held_out_scans, 'scan')} of {counted(evaluation.held_out_subjects, 'subject')}"
    slices, volumes = evaluation.networks
    return (
        f"{counted(evaluation.count, 'sample')} for each number of network evaluations, by the {evaluation.weights}, "
        f"against {held_out} held out ({' and '.join(evaluation.splits)}); "
        f"{counted(evaluation.training_scans, 'training scan')}; features of slices: {printable(slices)}, "
        f"of volumes: {printable(volumes)}"
    )


def _table(evaluation: SampleEvaluation) -> Table:
    table = Table(pad_edge=False)
    table.add_column("", overflow="fold")
    for row in evaluation.rows:
        table.add_column(row.name, justify="right", overflow="fold")
    for measure in MEASURES:
        found = [row.measures.get(measure.key) for row in evaluation.rows]
        if any(found):
            table.add_row(label(measure), *(cell(interval) for interval in found))
    return table


def label(measure: Measure) -> str:
    """A measure's title with its unit and which way is good."""
    told = ", ".join(part for part in (measure.unit, ARROWS[measure.good]) if part)
    return f"{measure.title} ({told})"


def cell(interval: Interval | None) -> str:
    """A number with its interval below it."""
    if interval is None:
        return NONE
    known = math.isfinite(interval.low) and math.isfinite(interval.high)
    ends = " to ".join(format_value(end) for end in (interval.low, interval.high)) if known else "no interval"
    return f"{format_value(interval.value)}\n{ends}"


def closing_line(evaluation: SampleEvaluation) -> Text:
    """The answer in one line."""
    text = Text(ANSWERS[evaluation.judged], style=STYLES[evaluation.judged])
    text.append(
        f" {printable(str(evaluation.run))}: {counted(len(evaluation.verdicts), 'law')} judged", style="default"
    )
    for judged, words in ((Judged.BROKEN, "broken"), (Judged.CANNOT_TELL, "cannot tell")):
        if names := [verdict.law_id for verdict in evaluation.verdicts if verdict.judged is judged]:
            text.append(f"; {words}: {', '.join(names)}", style="default")
    text.append(f"; {evaluation.seconds:.0f} s", style="default")
    return text
