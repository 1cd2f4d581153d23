"""DATA-006: preprocessing against its definition, voxel by voxel, on a head that nothing brings onto itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from neuromf_spec.registry import law

from neuromf.data.nifti import Volume
from neuromf.data.preprocess import Preprocessing, preprocess
from tests.support.phantom import LANDMARKS, Grid, phantom, place_of, reference_preprocess

pytestmark = pytest.mark.law("DATA-006")
SEEDS = range(10)


def drawn(seed):
    """Any order and direction of axes, voxels of three edges, a tilted head off the middle, any target."""
    draw = np.random.default_rng(seed)
    edges = draw.permutation([1.61, 2.52, 3.37])
    sizes = np.round(draw.permutation([70, 84, 92]) / edges)
    grid = Grid(
        order=tuple(draw.permutation(3).tolist()),
        signs=tuple(draw.choice([-1, 1], 3).tolist()),
        edges_mm=tuple(edges.tolist()),
        shape=tuple(sizes.astype(int).tolist()),
        tilt_degrees=tuple(draw.uniform(-14, 14, 3).tolist()),
        middle_mm=tuple(draw.uniform(-40, 40, 3).tolist()),
    )
    limits = [(0.0, 100.0), (0.0, 99.5), (3.0, 99.0), (75.0, 97.0)][seed % 4]
    spacing = float(draw.choice([2.0, 3.0, 4.5]))
    clipped = seed % 3 > 0
    wanted = Preprocessing(spacing, tuple(draw.permutation([20, 28, 36]).tolist()), limits, clip_above=clipped)
    return grid, wanted, draw.uniform(-8, 8, 3)


def check(grid, wanted, off_middle=(0.0, 0.0, 0.0)):
    """Compare affine and voxels with the reference; give the scan's volume and the preprocessed one."""
    volume = phantom(grid, tuple(np.add(grid.middle_mm, off_middle)))
    result, expected = preprocess(volume, wanted), reference_preprocess(volume.data, grid, wanted)
    assert result.data.shape == expected.data.shape
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]).T * [[size] for size in (*wanted.shape, 1)]
    finding = law("DATA-006").predicate(
        place_error_mm=float(np.abs((result.affine - expected.affine) @ corners).max()),
        value_error=float(np.abs(result.data - expected.data).max()),
    )
    assert finding.passed, finding.value
    return volume, result


@pytest.mark.parametrize("seed", SEEDS)
def test_every_voxel_shows_what_the_scan_has_at_its_place(seed):
    """Orientation, blur, resampling, cut, padding, percentiles and affine are those of the definition."""
    check(*drawn(seed))


@pytest.mark.parametrize("tilt_degrees", [(0.0, 0.0, 0.0), (9.0, -6.0, 12.0)])
def test_landmarks_keep_their_place_in_the_world(tilt_degrees):
    """Each of three unlike blobs lies where it lay, by the volume's affine."""
    grid = Grid((2, 0, 1), (-1, 1, -1), (1.5, 3.0, 2.0), (60, 32, 50), tilt_degrees, (14.0, -33.0, 51.0))
    _, result = check(grid, Preprocessing(2.0, (48, 52, 44), (0.0, 100.0)))
    for name, (place, _, _) in LANDMARKS.items():
        there = np.add(place, grid.middle_mm)
        assert place_of(name, result.data, result.affine, there) == pytest.approx(there, abs=0.35)


def test_a_scan_reordered_is_the_same_head():
    """All 48 ways to store one array give one volume, and so do its voxels from the other end."""
    upright = Grid((0, 1, 2), (1, 1, 1), (2.0, 3.0, 2.5), (36, 30, 34), (5.0, -4.0, 3.0), (1.0, 2.0, 3.0))
    wanted = Preprocessing(4.0, (16, 24, 20), (1.0, 99.0))
    volume = phantom(upright, upright.middle_mm)
    first = preprocess(volume, wanted)
    for order in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]:
        for flips in np.ndindex(2, 2, 2):
            data, affine = np.transpose(volume.data, order), volume.affine[:, [*order, 3]].copy()
            for axis in np.flatnonzero(flips):
                data = np.flip(data, axis)
                affine[:3, 3] += affine[:3, axis] * (data.shape[axis] - 1)
                affine[:3, axis] *= -1
            again = preprocess(Volume(np.ascontiguousarray(data), affine), wanted)
            assert np.abs(again.data - first.data).max() < 1e-4
            assert np.abs(again.affine - first.affine).max() < 1e-6


def test_a_scan_moved_in_the_world_is_moved_alone():
    """Voxels do not depend on where the scanner puts its middle; the affine follows."""
    grid = Grid((0, 1, 2), (-1, 1, 1), (2.0, 2.0, 3.0), (40, 44, 28), (3.0, 0.0, -8.0), (0.0, 0.0, 0.0))
    wanted, shift = Preprocessing(3.0, (24, 28, 32), (0.0, 99.5)), (120.0, -77.0, 31.0)
    here = preprocess(phantom(grid), wanted)
    there = preprocess(Volume(phantom(grid).data, replace(grid, middle_mm=shift).affine), wanted)
    assert np.array_equal(here.data, there.data)
    assert there.affine[:3, 3] - here.affine[:3, 3] == pytest.approx(shift, abs=1e-6)
