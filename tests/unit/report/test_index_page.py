"""The page of `neuromf data index`: every number is a count of the cohort, every picture a scan's own slices."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter

import nibabel
import numpy as np
import pytest
from matplotlib.image import imread

from neuromf.data.index.build import index_folder
from neuromf.data.index.row import Row
from neuromf.data.scan import Scan
from neuromf.report import index_page as page_module
from neuromf.report.index_page import index_page
from tests.support import layouts

pytestmark = pytest.mark.law("OBS-002")

GREY = 2 / 255
"""A picture has 256 greys."""
SHAPE = (12, 16, 20)
STEP_MM = 2.0


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Two data sets below one root, in which no two counts of one table are alike."""
    root = tmp_path_factory.mktemp("cohort")
    layouts.fomo(root)
    return index_folder(root)


@pytest.fixture(scope="module")
def page(cohort):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_module, "_picture", lambda row: f"of {row.scan.scan_id}")
        patch.setattr(page_module, "MOST_DOUBTS", 1)
        return index_page(cohort)


def table(page, title):
    """Rows of a table by their first cell."""
    body = page.partition(f"<figcaption>{title}</figcaption>")[2].partition("</table>")[0]
    return {name: int(count) for name, count in re.findall(r"<td>([^<]*)</td><td>([^<]*)</td>", body)}


def test_the_counts_of_a_table_are_those_of_the_scans_that_were_taken(cohort, page):
    """By each of its columns; nothing that was left out is counted."""
    columns = {
        "Shape": lambda row: row.look.shape,
        "Spacing in mm": lambda row: row.look.spacing_mm,
        "Orientation": lambda row: row.look.orientation,
        "Subject from": lambda row: row.scan.subject_from,
        "Group": lambda row: row.scan.group or "unknown",
    }
    assert 0 < len(cohort.taken) < len(cohort.rows)
    for title, value in columns.items():
        assert table(page, title) == Counter(map(value, cohort.taken)), title
    scans = Counter(row.scan.subject for row in cohort.taken)
    assert table(page, "Scans of a subject") == {str(n): k for n, k in Counter(scans.values()).items()}
    assert f"{len(cohort.taken)} scans of {len(scans)} subjects</h1>" in page
    assert f"{len(cohort.rows)} NIfTI files below {cohort.root}" in page


def test_each_picture_is_titled_by_its_scan(cohort, page):
    """A scan is shown once at most."""
    shown = re.findall(r"<figcaption>([^<]*)</figcaption><img src=\"of ([^\"]*)\"", page)
    assert sorted(shown) == sorted((row.scan.scan_id, row.scan.scan_id) for row in cohort.taken)


def test_doubts_beyond_the_most_that_are_named_are_counted(cohort, tmp_path, monkeypatch):
    """Where there are as many as are named, none is said to be missing."""
    doubts = [(f"scan{number}.nii.gz", "odd") for number in range(5)]
    monkeypatch.setattr(page_module, "doubtful", lambda index: doubts)
    monkeypatch.setattr(page_module, "_picture", lambda row: "")
    for most, more in ((2, 3), (4, 1), (5, None), (6, None)):
        monkeypatch.setattr(page_module, "MOST_DOUBTS", most)
        text = index_page(cohort)
        assert text.count("<td>odd</td>") == min(most, 5)
        assert re.findall(r"And (\d+) more", text) == ([] if more is None else [str(more)])


@pytest.mark.law("DATA-006")
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)])
def test_a_scan_is_shown_in_an_axial_and_a_sagittal_slice(tmp_path, monkeypatch, signs):
    """Side by side, up is front and top; the darkest hundredth is black, the brightest half of one white."""
    head = np.random.default_rng(3).uniform(-50, 900, SHAPE)
    stored = head[:: signs[0], :: signs[1], :: signs[2]]
    monkeypatch.setattr(page_module, "coarse", lambda data, affine, step: _canonical(data, affine))
    path = layouts.save(tmp_path / "scan.nii.gz", stored, np.diag([*(STEP_MM * sign for sign in signs), 1.0]))
    shown = picture(path)
    low, high = np.percentile(head, [1, 99.5])
    grey = np.clip((head - low) / (high - low), 0, 1)
    width, depth, height = SHAPE
    assert shown.shape == (height, width + depth)
    for up, across in np.ndindex(height, width):
        value = grey[across, depth - 1 - up, height // 2] if up < depth else 0.0
        assert shown[up, across] == pytest.approx(value, abs=GREY)
    for up, across in np.ndindex(height, depth):
        assert shown[up, width + across] == pytest.approx(grey[width // 2, across, height - 1 - up], abs=GREY)


def picture(path):
    """The grey values of a scan's picture, of which each is drawn two pixels wide."""
    uri = page_module._picture(Row(Scan("anna", "scan", path)))
    return imread(io.BytesIO(base64.b64decode(uri.partition(",")[2])))[..., 0][::2, ::2]


def _canonical(data, affine):
    """Voxels from left to right, back to front and bottom to top, as `coarse` gives them, of their own size."""
    return np.asarray(nibabel.as_closest_canonical(nibabel.Nifti1Image(data, affine)).dataobj)


def test_a_scan_without_contrast_is_shown_all_the_same(tmp_path):
    """A head of voxels that are nearly all alike has no range to be stretched over."""
    head = np.full(SHAPE, 7.0, np.float32)
    head[0, 0, 0] = 8.0
    assert np.ptp(picture(layouts.save(tmp_path / "scan.nii.gz", head))) == 0


def test_a_scan_that_cannot_be_read_has_no_picture(tmp_path):
    """The page is made all the same."""
    (tmp_path / "scan.nii.gz").write_bytes(b"torn")
    assert not page_module._picture(Row(Scan("anna", "scan", tmp_path / "scan.nii.gz")))
