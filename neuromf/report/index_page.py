"""What `neuromf data index` found, as one self-contained HTML page."""

from __future__ import annotations

import numpy as np

from neuromf.data.index.build import Index
from neuromf.data.index.contrast import coarse
from neuromf.data.index.row import Row
from neuromf.data.index.summary import by_modality, counts, data_sets, doubtful, index_lines, left_out, shown
from neuromf.data.nifti import read_volume
from neuromf.errors import InputError
from neuromf.report.charts import slice_png
from neuromf.report.page import render_page
from neuromf.sampling.montage import mid_slice

MOST_DOUBTS = 100
"""Doubtful scans that the page names; the table names all."""
_STEP_MM = 2.0


def index_page(index: Index) -> str:
    """HTML text of the page; it loads nothing from anywhere."""
    taken = index.taken
    tables = [
        ("Modality", counts(taken, by_modality)),
        ("Group", counts(taken, lambda row: row.scan.group)),
        ("Scans of a subject", _scans_of_a_subject(taken)),
        ("Shape", counts(taken, lambda row: row.look.shape)),
        ("Spacing in mm", counts(taken, lambda row: row.look.spacing_mm)),
        ("Orientation", counts(taken, lambda row: row.look.orientation)),
        ("Subject from", counts(taken, lambda row: row.scan.subject_from)),
    ]
    doubts = doubtful(index)
    return render_page(
        "index_page.html.j2",
        root=str(index.root),
        taken=len(taken),
        files=len(index.rows),
        subjects=len({row.scan.subject for row in taken}),
        lines=index_lines(index),
        data_sets=data_sets(taken),
        tables=tables,
        left=left_out(index),
        doubts=doubts[:MOST_DOUBTS],
        more=len(doubts) - MOST_DOUBTS,
        slices=[(row.scan.scan_id, picture) for row in shown(index) if (picture := _picture(row))],
    )


def _scans_of_a_subject(rows: list[Row]) -> list[tuple[str, int]]:
    """How many subjects have one scan, two scans, and so on."""
    numbers: dict[str, int] = {}
    for row in rows:
        numbers[row.scan.subject] = numbers.get(row.scan.subject, 0) + 1
    found = sorted(set(numbers.values()))
    return [(f"{number}", sum(have == number for have in numbers.values())) for number in found]


def _picture(row: Row) -> str:
    """Axial and sagittal mid-slices side by side; "" of a scan whose voxels cannot be read."""
    try:
        volume = read_volume(row.scan.path)
    except InputError:
        return ""
    head = coarse(volume.data, volume.affine, _STEP_MM)
    low, high = np.percentile(head, [1, 99.5])
    head = np.clip((head - low) / max(high - low, 1e-12), 0, 1)
    sides = [mid_slice(head, axis) for axis in (2, 0)]
    height = max(side.shape[0] for side in sides)
    return slice_png(np.hstack([np.pad(side, ((0, height - side.shape[0]), (0, 0))) for side in sides]), 2)
