"""The charts of an evaluation: distances by evaluations, spectra, and histograms of tissues and of nearness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuromf.evaluation.evaluate import Evaluated
from neuromf.evaluation.measures import Population
from neuromf.evaluation.metrics.spectrum import decibels
from neuromf.evaluation.metrics.tissue import TISSUES
from neuromf.evaluation.result import SampleEvaluation
from neuromf.report.charts import COLOURS, INK, Frame, draw
from neuromf.report.lines import Line

BINS = 12
REAL = "held-out scans"
Charts = list[tuple[str, str]]


def evaluation_charts(found: Evaluated) -> Charts:
    """Title and SVG of each chart."""
    populations = _populations(found)
    charts = [_by_evaluations(found.evaluation, "sliced_wasserstein", "Sliced Wasserstein distance of latents")]
    charts.append(_spectra(populations))
    for place, tissue in enumerate(TISSUES):
        values = {name: p.described.tissues[:, place] for name, p in populations.items() if p.described is not None}
        charts.append(_histogram(f"Volume of {tissue}", "ml", values))
    charts.append(_nearness(found))
    return charts


def _populations(found: Evaluated) -> dict[str, Population]:
    samples = {f"{steps} evaluations": p for steps, p in found.material.samples.items() if p.described is not None}
    return {REAL: found.material.held_out, **samples}


def _by_evaluations(evaluation: SampleEvaluation, key: str, title: str) -> tuple[str, str]:
    """The measure and its interval over the number of evaluations, with both baselines as level lines."""
    rows = [row for row in evaluation.rows if row.evaluations is not None and key in row.measures]
    across = np.log2(np.array([row.evaluations for row in rows], dtype=np.float64))
    lines = []
    for end, label, dashes in (("value", "samples", "-"), ("low", "", ":"), ("high", "", ":")):
        values = np.array([getattr(row.measures[key], end) for row in rows])
        lines.append(Line(across, values, label, COLOURS[0], dashes))
    span = np.array([0.0, max(float(across[-1]), 1.0)])
    for row, colour in zip((row for row in evaluation.rows if row.evaluations is None), (INK, COLOURS[1]), strict=True):
        if key in row.measures:
            lines.append(Line(span, np.full(2, row.measures[key].value), row.name, colour, "--"))
    return title, draw(lines, Frame(title, "1e-3 latent", across="log2 of network evaluations"))


def _spectra(populations: dict[str, Population]) -> tuple[str, str]:
    title, lines = "Power spectrum", []
    for (name, population), colour in zip(populations.items(), (INK, *COLOURS), strict=False):
        if population.described is None:
            continue
        level = decibels(population.described.spectrum).mean(0)
        across = (np.arange(len(level)) + 0.5) / len(level) / 2
        lines.append(Line(across, level, name, colour, "--" if name == REAL else "-"))
    return title, draw(lines, Frame(title, "dB", across="cycles a voxel"))


def _histogram(title: str, unit: str, values: dict[str, NDArray[np.float64]]) -> tuple[str, str]:
    """Outlines of histograms on common bins."""
    finite = {name: one[np.isfinite(one)] for name, one in values.items()}
    together = np.concatenate(list(finite.values()))
    if not len(together):
        together = np.array([0.0, 1.0])
    edges = np.linspace(together.min(), together.max() + 1e-9, BINS + 1)
    lines = []
    for (name, one), colour in zip(finite.items(), (INK, *COLOURS), strict=False):
        share = np.histogram(one, edges)[0] / max(len(one), 1)
        outline = np.r_[0, np.repeat(share, 2), 0]
        lines.append(Line(np.repeat(edges, 2), outline, name, colour, "--" if name == REAL else "-"))
    return title, draw(lines, Frame(title, "share", across=unit))


def _nearness(found: Evaluated) -> tuple[str, str]:
    """How much nearer samples lie to training than to held-out scans; held-out scans are at 1."""
    values = {f"{steps} evaluations": near.ratios for steps, near in found.measured.nearness.items()}
    ends = {name: values[name] for name in dict.fromkeys([next(iter(values)), list(values)[-1]])}
    return _histogram("Nearness to training scans", "in units of held-out scans; copies are near 0", ends)
