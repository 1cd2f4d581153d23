"""Millilitres of tissues, on heads whose tissues are known."""

import numpy as np
import pytest

from neuromf.data.template import load_template
from neuromf.evaluation.metrics.tissue import tissue_maps, tissue_volumes

SHAPE = (66, 78, 64)
AFFINE = ((3.0, 0.0, 0.0, 0.0), (0.0, 3.0, 0.0, 0.0), (0.0, 0.0, 3.0, 0.0), (0.0, 0.0, 0.0, 1.0))
MAPS = tissue_maps(SHAPE, AFFINE)
LEVELS = np.array([0.6, 0.9, 0.25])
"""Of grey matter, white matter and fluid."""


def painted(shares, noise=0.0):
    """A head that shows each voxel's likeliest tissue at its own brightness."""
    volume = LEVELS[shares.argmax(0)] * (shares.sum(0) > 0.3)
    return (volume + noise * np.random.default_rng(0).standard_normal(volume.shape) * (volume > 0)).astype(np.float32)


def known(shares):
    """Millilitres of each tissue as it was painted."""
    inside = shares.sum(0) > 0.3
    return np.array([((shares.argmax(0) == tissue) & inside).sum() * 0.027 for tissue in range(3)])


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_painted_tissues_are_counted(noise):
    """Within 3 %: what the template's map expects moves a few voxels at the borders."""
    np.testing.assert_allclose(tissue_volumes(painted(MAPS.shares, noise), MAPS), known(MAPS.shares), rtol=0.03)


def test_a_larger_fluid_space_is_seen():
    """White matter beside the ventricles turned to fluid, by a tenth of the brain's width."""
    shares = MAPS.shares.copy()
    middle = [size // 2 for size in SHAPE]
    box = tuple(slice(place - 5, place + 5) for place in middle)
    before = known(shares)
    shares[:, *box] = np.array([0.0, 0.0, 1.0])[:, None, None, None]
    grown = known(shares) - before
    moved = tissue_volumes(painted(shares, 0.02), MAPS) - tissue_volumes(painted(MAPS.shares, 0.02), MAPS)
    assert moved[2] == pytest.approx(grown[2], rel=0.25)
    assert grown[2] > 5


def test_the_maps_hold_the_templates_volume():
    """Interpolated to another grid, within 2 %."""
    template = load_template()
    voxel_ml = float(abs(np.linalg.det(template.affine[:3, :3]))) / 1000
    expected = [template.grey.sum() * voxel_ml, template.white.sum() * voxel_ml]
    np.testing.assert_allclose(MAPS.shares[:2].sum((1, 2, 3)) * MAPS.voxel_ml, expected, rtol=0.02)


def test_darkness_has_no_tissues():
    """NaN, not a split of nothing."""
    assert np.isnan(tissue_volumes(np.zeros(SHAPE, dtype=np.float32), MAPS)).all()
