"""An evaluation as one self-contained HTML page (`neuromf evaluate --report`)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from neuromf.evaluation.console import ANSWERS, about, cell, label
from neuromf.evaluation.evaluate import Evaluated
from neuromf.evaluation.metrics.catalogue import MEASURES
from neuromf.evaluation.result import Judged
from neuromf.evaluation.volumes import Described
from neuromf.report.charts import slice_png
from neuromf.report.evaluation_charts import evaluation_charts
from neuromf.report.page import render_page

CLASSES = {Judged.HOLDS: "pass", Judged.BROKEN: "block", Judged.CANNOT_TELL: "warn"}
"""Class of the page that shows a verdict."""
HEADS = 8
"""Volumes of a montage."""
GAP = 2
"""Pixels between two pictures of a montage."""
PIXELS = 96
"""Least width of a head; smaller slices are drawn with larger pixels."""


@dataclass(frozen=True)
class Montage:
    """Heads side by side, each through three slices.

    Attributes:
        title: what they are.
        uri: the picture.
    """

    title: str
    uri: str


def evaluation_page(found: Evaluated) -> str:
    """HTML text of the page; it loads nothing from anywhere."""
    evaluation = found.evaluation
    rows = [
        (label(measure), measure.says, [cell(row.measures.get(measure.key)) for row in evaluation.rows])
        for measure in MEASURES
        if any(measure.key in row.measures for row in evaluation.rows)
    ]
    return render_page(
        "evaluation_page.html.j2",
        evaluation=evaluation,
        answer=ANSWERS[evaluation.judged],
        colour=CLASSES[evaluation.judged],
        colours={judged.value: colour for judged, colour in CLASSES.items()},
        about=about(evaluation),
        columns=[row.name for row in evaluation.rows],
        rows=rows,
        charts=[(title, Markup(svg)) for title, svg in evaluation_charts(found)],
        montages=_montages(found),
        beside=_beside(found),
    )


def _montages(found: Evaluated) -> list[Montage]:
    material = found.material
    groups: list[tuple[str, Described | None]] = [("held-out scans, decoded", material.held_out.described)]
    decoded = {steps: population.described for steps, population in material.samples.items()}
    for steps, described in decoded.items():
        groups.append((f"samples in {steps} evaluation{'s' if steps > 1 else ''}, the same noise", described))
    fewest = min(decoded)
    worst = farthest(decoded[fewest], material.held_out.described)
    groups.append(
        (f"worst of {found.evaluation.count} in {fewest}: farthest from any held-out scan, by features", worst)
    )
    return [Montage(title, montage(described)) for title, described in groups if described is not None]


def _beside(found: Evaluated) -> list[Montage]:
    """Samples above, below each its nearest training scan."""
    scans, described = found.beside.scans, found.material.samples[min(found.material.samples)].described
    if scans is None or described is None:
        return []
    return [
        Montage("samples that lie nearest to a training scan", montage(described.rows(found.beside.rows))),
        Montage(f"that scan: {', '.join(found.beside.scan_ids)}", montage(scans)),
    ]


def farthest(samples: Described | None, scans: Described | None) -> Described | None:
    """The samples whose features lie farthest from those of any scan, the farthest first."""
    if samples is None or scans is None:
        return None
    apart = np.linalg.norm(samples.features_3d[:, None] - scans.features_3d[None], axis=2).min(1)
    return samples.rows(np.argsort(-apart)[:HEADS])


def montage(described: Described) -> str:
    """The first heads side by side, a row a plane, as a data URI."""
    rows = [_strip(plane[:HEADS]) for plane in (described.sagittal, described.coronal, described.axial)]
    width = max(row.shape[1] for row in rows)
    picture = np.vstack([np.pad(row, ((0, GAP), (0, width - row.shape[1]))) for row in rows])
    return slice_png(picture, max(1, math.ceil(PIXELS / described.axial.shape[2])))


def _strip(slices: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.hstack([np.pad(one, ((0, 0), (0, GAP))) for one in slices])
