"""Pictures of volumes: which slice, which side up, which row and column."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from neuromf.sampling.montage import MARGIN, PLANES, draw_montage, mid_slice

pytestmark = pytest.mark.law("DATA-006")
ACROSS = {"sagittal": 0, "coronal": 1, "axial": 2}
RIGHTWARD, UPWARD = {"sagittal": 1, "coronal": 0, "axial": 0}, {"sagittal": 2, "coronal": 2, "axial": 1}
"""Anatomical axis (0 R, 1 A, 2 S) that a plane cuts across, and those of its columns and, from below, its rows."""


def volume(number=0, shape=(5, 6, 7)):
    """A volume of which no two voxels are equal."""
    return np.random.default_rng(number).permutation(np.linspace(0, 1, int(np.prod(shape)))).reshape(shape)


def by_definition(data, plane):
    """The picture, pixel by pixel."""
    across, right, up = ACROSS[plane], RIGHTWARD[plane], UPWARD[plane]
    picture = np.empty((data.shape[up], data.shape[right]))
    for row in range(data.shape[up]):
        for column in range(data.shape[right]):
            index = [0, 0, 0]
            index[across], index[right], index[up] = data.shape[across] // 2, column, data.shape[up] - 1 - row
            picture[row, column] = data[tuple(index)]
    return picture


@pytest.mark.parametrize("shape", [(5, 6, 7), (8, 5, 4), (1, 2, 3)])
@pytest.mark.parametrize("plane", PLANES)
def test_a_slice_has_front_or_top_up_and_right_to_the_right(plane, shape):
    """The middle slice, of an even number the later one; R and A grow to the right, A and S upwards."""
    data = volume(shape=shape)
    assert np.array_equal(mid_slice(data, PLANES.index(plane)), by_definition(data, plane))


def test_a_montage_shows_each_volume_once_a_plane(tmp_path, monkeypatch):
    """Rows are planes of a group under its name, columns its volumes, black is 0, white is 1, the first row on top."""
    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path: saved.append(self))
    groups = {"real": [volume(0), volume(1)], "generated": [volume(2), volume(3), volume(4)]}
    draw_montage(tmp_path / "montage.png", groups, "a title")
    (figure,) = saved
    shown = {}
    for axes in figure.axes:
        (image,) = axes.images
        assert not axes.axison
        assert {(label.xycoords, label.anncoords) for label in axes.texts} <= {("axes fraction", "offset points")}
        assert (image.origin, image.cmap.name, image.get_clim()) == ("upper", "gray", (0, 1))
        spec = axes.get_subplotspec()
        shown[spec.rowspan.start, spec.colspan.start] = (image.get_array(), [text.get_text() for text in axes.texts])
    wanted = {}
    for row, (name, plane) in enumerate((name, plane) for name in groups for plane in PLANES):
        for column, data in enumerate(groups[name]):
            wanted[row, column] = (by_definition(data, plane), [f"{name}\n{plane}"] if column == 0 else [])
    assert shown.keys() == wanted.keys()
    for place, (picture, labels) in wanted.items():
        assert np.array_equal(shown[place][0], picture), place
        assert shown[place][1] == labels
    assert figure._suptitle.get_text() == "a title"


@pytest.mark.parametrize(("groups", "each"), [(1, 1), (1, 4), (2, 3), (3, 2)])
def test_the_pictures_of_a_montage_fill_the_page_and_none_covers_another(tmp_path, monkeypatch, groups, each):
    """Each is an inch and a half at least; names have their margin at the left, and the title its own above."""
    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path: saved.append(self))
    draw_montage(tmp_path / "m.png", {f"group {n}": [volume(n)] * each for n in range(groups)}, "a title")
    (figure,) = saved
    width, height = figure.get_size_inches()
    boxes = [axes.get_subplotspec().get_position(figure) for axes in figure.axes]
    sides = [(box.width * width, box.height * height) for box in boxes]
    assert all(1.5 <= side <= 2.0 for pair in sides for side in pair)
    assert min(box.x0 for box in boxes) * width == pytest.approx(MARGIN)
    assert max(box.x1 for box in boxes) <= 1
    assert (1 - max(box.y1 for box in boxes)) * height == pytest.approx(0.35)
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
