"""Preprocessing: anatomy stays where it is in the world, on the asked grid, in [0, 1]."""

import math

import nibabel
import numpy as np
import pytest

from neuromf.data.nifti import Volume, read_volume
from neuromf.data.preprocess import Preprocessing, preprocess
from neuromf.data.voxel_size import check_field_of_view
from neuromf.errors import InputError

SETTINGS = Preprocessing(spacing_mm=2.0, shape=(40, 44, 36), intensity_percentiles=(0.0, 100.0))
CENTRE = np.array([12.0, -7.0, 21.0])  # of the blob, in millimetres


def blob(affine, shape, background=0.0):
    """A Gaussian of 8 mm around CENTRE, cut off at 24 mm, on any grid."""
    index = np.indices(shape).reshape(3, -1)
    world = affine[:3, :3] @ index + affine[:3, 3:]
    distance = np.linalg.norm(world - CENTRE[:, None], axis=0)
    data = np.where(distance < 24, np.exp(-0.5 * (distance / 8) ** 2), 0) + background
    return Volume(data.reshape(shape).astype(np.float32), affine)


def grid(orientation, zooms, shape):
    """Affine of a grid with these axis codes whose middle is near CENTRE."""
    ornt = nibabel.orientations.axcodes2ornt(orientation)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[sign * zoom * (axis == row) for (axis, sign), zoom in zip(ornt, zooms, strict=True)]
                               for row in range(3)])  # fmt: skip
    affine[:3, 3] = CENTRE + 3.0 - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def centre_of_mass(volume):
    index = np.indices(volume.data.shape).reshape(3, -1)
    world = volume.affine[:3, :3] @ index + volume.affine[:3, 3:]
    return world @ volume.data.ravel() / volume.data.sum()


CASES = [
    ("RAS", (2.0, 2.0, 2.0), (40, 40, 40)),
    ("LPS", (1.0, 1.5, 1.0), (70, 60, 80)),
    ("PIR", (3.0, 3.0, 3.0), (30, 34, 28)),
    ("ASL", (1.0, 4.0, 2.0), (64, 24, 40)),
]


@pytest.mark.parametrize(("orientation", "zooms", "shape"), CASES)
def test_a_world_point_stays_where_it_is(orientation, zooms, shape):
    """The blob's centre has the same millimetre coordinates before and after, whatever the input grid."""
    result = preprocess(blob(grid(orientation, zooms, shape), shape), SETTINGS)
    assert centre_of_mass(result) == pytest.approx(CENTRE, abs=0.15)


@pytest.mark.parametrize(("orientation", "zooms", "shape"), CASES)
def test_output_has_the_asked_grid(orientation, zooms, shape):
    """Shape, spacing and RAS orientation are as asked, and the data is float32 in [0, 1]."""
    result = preprocess(blob(grid(orientation, zooms, shape), shape), SETTINGS)
    assert result.data.shape == SETTINGS.shape
    assert result.data.dtype == np.float32
    assert np.allclose(result.affine[:3, :3], np.diag([2.0] * 3))
    assert result.data.min() == 0
    assert result.data.max() == 1


def test_foreground_is_centred():
    """The foreground's middle is within a voxel of the grid's middle, though it was not before."""
    volume = blob(grid("RAS", (2.0, 2.0, 2.0), (70, 70, 70)), (70, 70, 70))
    shifted = Volume(np.roll(volume.data, (15, -12, 8), axis=(0, 1, 2)), volume.affine)
    result = preprocess(shifted, SETTINGS)
    middle = np.array(np.nonzero(result.data > 0.5)).mean(1)
    assert middle == pytest.approx((np.array(SETTINGS.shape) - 1) / 2, abs=1.0)


def test_padding_takes_the_darkest_value():
    """A background that is not zero is carried on into the padding."""
    volume = blob(grid("RAS", (2.0, 2.0, 2.0), (30, 30, 30)), (30, 30, 30), background=-5.0)
    result = preprocess(volume, SETTINGS)
    assert result.data[0, 0, 0] == result.data.min() == 0
    assert np.mean(result.data == 0) > 0.3


def test_percentiles_clip():
    """The upper percentile becomes 1 and one hot voxel does not darken the rest."""
    volume = blob(grid("RAS", (2.0, 2.0, 2.0), (40, 40, 40)), (40, 40, 40))
    volume.data[20, 20, 20] = 1e4
    settings = Preprocessing(2.0, SETTINGS.shape, (0.0, 99.5))
    result = preprocess(volume, settings)
    assert np.mean(result.data == 1) == pytest.approx(0.005, abs=0.001)
    assert result.data.mean() > 0.01


def test_downsampling_does_not_alias():
    """A one-voxel checkerboard, which a three times coarser grid cannot hold, is averaged away."""
    board = np.indices((60, 60, 60)).sum(0) % 2
    data = np.where(np.linalg.norm(np.indices((60, 60, 60)) - 29.5, axis=0) < 25, board + 1.0, 0.0).astype(np.float32)
    result = preprocess(Volume(data, np.eye(4)), Preprocessing(3.0, (24, 24, 24), (0.0, 100.0)))
    inside = result.data[10:14, 10:14, 10:14]
    assert inside.std() / inside.mean() < 0.03


def test_whole_head_fits(cohort, preprocessing):
    """Of a demonstration head at most 1 % of the intensity is cut off."""
    volume = read_volume(next(cohort.rglob("*_T1w.nii.gz")))
    result = preprocess(volume, Preprocessing(6.0, preprocessing.shape, (0.0, 100.0)))
    ample = preprocess(volume, Preprocessing(6.0, (64, 64, 64), (0.0, 100.0)))
    assert result.data.sum() > 0.99 * ample.data.sum()


def test_scan_without_contrast_is_refused():
    """Coinciding percentiles are an InputError, not a division by zero."""
    data = np.zeros((20, 20, 20), np.float32)
    data[10, 10, 10] = 1
    with pytest.raises(InputError, match="are both 0"):
        preprocess(Volume(data, np.eye(4)), Preprocessing(1.0, (20, 20, 20), (0.0, 99.0)))


@pytest.mark.parametrize(
    ("spacing", "shape", "percentiles", "key"),
    [
        (0.0, (8, 8, 8), (0, 99), "spacing_mm"),
        (math.nan, (8, 8, 8), (0, 99), "spacing_mm"),
        (1.0, (8, 0, 8), (0, 99), "shape"),
        (1.0, (8, 8), (0, 99), "shape"),
        (1.0, (8, 8, 8), (99, 1), "intensity_percentiles"),
        (1.0, (8, 8, 8), (0, math.nan), "intensity_percentiles"),
        (1.0, (8, 8, 8), (0, 101), "intensity_percentiles"),
    ],
)
def test_senseless_settings_are_refused(spacing, shape, percentiles, key):
    """Settings out of range are an InputError that names the key."""
    with pytest.raises(InputError) as caught:
        Preprocessing(spacing, shape, percentiles)
    assert caught.value.key == key


def test_the_least_settings_are_settings():
    """One voxel along each axis, and all percentiles, can be asked for."""
    assert Preprocessing(0.1, (1, 1, 1), (0.0, 100.0)).shape == (1, 1, 1)


@pytest.mark.law("DATA-004")
@pytest.mark.parametrize("edge", [4.0, 12.0])
def test_a_field_of_view_of_no_scan_is_refused(edge):
    """Before memory is taken for it: 1.6 m along each axis at 1 mm passes 2^29 voxels, 0.5 m does not."""
    volume = blob(grid("RAS", (edge, edge, edge), (130, 130, 130)), (130, 130, 130))
    fine = Preprocessing(1.0, (8, 8, 8), (0.0, 100.0))
    if edge == 4.0:
        check_field_of_view(volume.affine, volume.data.shape, fine.spacing_mm)
        return
    with pytest.raises(InputError, match=r"1560 x 1560 x 1560 mm has 3.8e\+09 voxels of 1 mm") as caught:
        preprocess(volume, fine)
    assert caught.value.key == "affine"


def test_a_head_in_a_huge_field_of_view_is_found_and_cut_out():
    """A head of 5 cm at the end of a field of 40 cm lies in the middle of what is cut, at its place in the world."""
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = CENTRE - [30, 350, 200]
    volume = blob(affine, (40, 200, 120))
    result = preprocess(volume, SETTINGS)
    assert centre_of_mass(result) == pytest.approx(CENTRE, abs=0.15)
    middle = np.array(np.nonzero(result.data > 0.5)).mean(1)
    assert middle == pytest.approx((np.array(SETTINGS.shape) - 1) / 2, abs=1.0)
