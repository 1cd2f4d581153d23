"""The charts of a run's validations: held-out against training scans, and the gap between them with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from markupsafe import Markup
from neuromf_spec.laws.validation import CONFIDENCE

from neuromf.report.charts import COLOURS, INK, Frame, draw
from neuromf.report.lines import Line, legend_line
from neuromf.report.run_charts import Picture, shortened
from neuromf.report.run_facts import ReportedRun

LOSSES = {"val_total": "held-out scans", "train_total": "training scans"}
GAP = {"gap": "gap", "gap_low": f"{100 * CONFIDENCE:g} % interval", "gap_high": ""}
UNITS = {"val_total": "squared latent per dim", "gap": "share above training scans"}


def validation_pictures(runs: Sequence[ReportedRun]) -> list[Picture]:
    """Two charts of the runs that validated; none where none did."""
    validated = [run for run in runs if run.validations]
    if not validated:
        return []
    alone = len(runs) == 1
    return [
        _picture("Raw loss of the averaged weights", validated, LOSSES, ("-", "--"), alone=alone, log=True),
        _picture("Gap: held-out above training scans", validated, GAP, ("-", ":", ":"), alone=alone, log=False),
    ]


def _picture(
    title: str, runs: Sequence[ReportedRun], names: dict[str, str], dashes: tuple[str, ...], *, alone: bool, log: bool
) -> Picture:
    lines = [line for run in runs for line in _lines(run, names, dashes, alone=alone)]
    if not alone:
        lines += [legend_line(shortened(run.name), run.colour) for run in runs]
        lines += [legend_line(label, INK, dash) for label, dash in zip(names.values(), dashes, strict=True) if label]
    return Picture(title, Markup(draw(lines, Frame(title, UNITS[next(iter(names))], log))))


def _lines(run: ReportedRun, names: dict[str, str], dashes: Iterable[str], *, alone: bool) -> Iterator[Line]:
    steps = np.array([float(row.step) for row in run.validations])
    for place, ((column, label), dash) in enumerate(zip(names.items(), dashes, strict=True)):
        values = np.array([float(getattr(row, column)) for row in run.validations])
        colour = COLOURS[min(place, 1)] if alone else run.colour
        yield Line(steps, values, label if alone else "", colour, dash, f"{run.toggle} {column}")
