"""What is kept of a volume whose axes all differ, each part recomputed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from neuromf.evaluation import volumes
from neuromf.evaluation.metrics.spectrum import band_power
from neuromf.evaluation.volumes import PLACES, Describer

pytestmark = pytest.mark.law("OBS-002")

SHAPE = (64, 48, 32)
AFFINE = ((3.0, 0, 0, -90.0), (0, 3.0, 0, -126.0), (0, 0, 3.0, -72.0), (0, 0, 0, 1.0))


class Seen:
    """A network whose feature is its input's mean, and that keeps what it was given."""

    fingerprint = "seen"

    def __init__(self):
        self.given = []

    def __call__(self, images, spacing_mm):
        """One number an image."""
        self.given.append((images, spacing_mm))
        return images.flatten(1).mean(1, keepdim=True)


@pytest.fixture
def described(monkeypatch):
    """A volume of random numbers, a tenth of them out of [0, 1], what is kept of it, and what the networks saw."""
    monkeypatch.setattr(volumes, "tissue_maps", lambda shape, affine: SimpleNamespace(shape=shape, affine=affine))
    monkeypatch.setattr(volumes, "tissue_volumes", lambda array, maps: np.array([*maps.shape]))
    volume = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)) * 1.4 - 0.2
    describer = Describer(Seen(), Seen(), AFFINE)
    return volume.clamp(0, 1).numpy(), volume.numpy(), describer.describe(volume), describer


def test_the_small_copy_keeps_the_proportions_and_is_the_mean_of_blocks(described):
    """Its longest axis has 32 voxels, here half of each axis."""
    image, _, found, _ = described
    blocks = image.reshape(32, 2, 24, 2, 16, 2).mean((1, 3, 5))
    assert found["small"].shape == (32, 24, 16)
    assert found["small"] == pytest.approx(blocks, abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "small"), [((8, 20, 12), (8, 20, 12)), ((96, 48, 24), (32, 16, 8)), ((400, 40, 1), (32, 3, 1))]
)
def test_no_axis_of_a_small_copy_is_enlarged_or_lost(shape, small):
    """Each has its own size."""
    assert volumes._small(shape) == small


def test_slices_lie_in_the_middle_of_their_own_axis(described):
    """Sagittal, coronal and axial, the head upright: the second of the two axes goes up."""
    image, _, found, _ = described
    assert found["sagittal"] == pytest.approx(image[32].T[::-1])
    assert found["coronal"] == pytest.approx(image[:, 24].T[::-1])
    assert found["axial"] == pytest.approx(image[:, :, 16].T[::-1])


def test_features_are_of_the_whole_volume_and_of_three_slices_an_axis(described):
    """With the spacing in millimetres; a feature a plane and place."""
    image, _, found, describer = described
    ((whole, spacing),) = describer.volumes.given
    assert (whole.shape, spacing) == ((1, 1, *SHAPE), 3.0)
    assert found["features_3d"] == pytest.approx([image.mean()], rel=1e-5)
    expected = [
        [[np.take(image, int(place * SHAPE[axis]), axis).mean()] for place in PLACES] for axis in range(3)
    ]  # fmt: skip
    assert found["features_25d"] == pytest.approx(np.array(expected), rel=1e-5)
    assert {spacing for _, spacing in describer.slices.given} == {3.0}


def test_what_lies_far_outside_is_counted_before_it_is_cut_off(described):
    """Below -0.1 or above 1.1."""
    _, volume, found, _ = described
    assert found["outside"] == pytest.approx(((volume < -0.1) | (volume > 1.1)).mean())
    assert 0.05 < found["outside"] < 0.25


def test_spectrum_and_tissues_are_those_of_the_volume(described):
    """Of the clipped one, on maps of its own shape."""
    image, _, found, _ = described
    assert found["spectrum"] == pytest.approx(band_power(image))
    assert found["tissues"].tolist() == [*SHAPE]
