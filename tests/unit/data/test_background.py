"""NaN outside the head is background, which is counted; inside it, and infinities, are a fault of the scan."""

import nibabel
import numpy as np
import pytest

from neuromf.data.background import fill_background
from neuromf.data.examine import examine_scans
from neuromf.data.nifti import read_volume
from neuromf.data.scan import Scan
from neuromf.errors import InputError

pytestmark = pytest.mark.law("DATA-004", "DATA-006")
SHAPE = (9, 10, 11)


def head():
    """A ball of 1 to 2 in a background of -3."""
    radius = np.linalg.norm(np.indices(SHAPE) - np.array([4, 5, 5])[:, None, None, None], axis=0)
    return np.where(radius < 3.5, 1 + radius / 4, -3).astype(np.float32), radius


def saved(path, data):
    nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), path)
    return path


def test_a_nan_background_becomes_the_darkest_value(tmp_path):
    """Everything outside the head is NaN, as skull-stripping leaves it: filled, counted and told."""
    data, radius = head()
    expected = np.where(radius < 3.5, data, data[radius < 3.5].min())
    data[radius >= 3.5] = np.nan
    volume = read_volume(saved(tmp_path / "a.nii.gz", data))
    assert np.array_equal(volume.data, expected)
    missing = int(np.sum(radius >= 3.5))
    assert volume.filled == f"{missing} voxels ({missing / 990:.1%}) are NaN outside the head, taken for background"


def test_a_nan_amid_dark_background_is_background():
    """One NaN voxel that only darkest voxels part from the border."""
    data, _ = head()
    whole = data.copy()
    data[1, 1, 1] = np.nan
    filled, told = fill_background(data)
    assert np.array_equal(filled, whole)
    assert told == "1 voxel (0.1%) is NaN outside the head, taken for background"


@pytest.mark.parametrize("corner", [False, True])
def test_a_nan_inside_the_head_is_refused(corner):
    """A hole is no background, nor is one that touches the outside by an edge or a corner alone."""
    data = np.ones(SHAPE, np.float32)
    data[0, 0, 0] = 0
    data[1, 1, 1] = np.nan
    if not corner:
        data[0, 0, 0], data[5, 5, 5] = 1, 0
    with pytest.raises(InputError, match="1 voxel inside the head is NaN"):
        fill_background(data)


def test_holes_are_refused_beside_a_background():
    """The number is that of the holes, not of all that is NaN."""
    data, radius = head()
    data[radius >= 3.5] = np.nan
    data[4, 5, 4:6] = np.nan
    with pytest.raises(InputError, match="2 voxels inside the head are NaN"):
        fill_background(data)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinities_are_refused_wherever_they_lie(value):
    """No program writes them for background."""
    data, _ = head()
    data[0, 0, 0], data[0, 0, 1] = value, np.nan
    with pytest.raises(InputError, match="1 voxel is infinite"):
        fill_background(data)


def test_a_scan_of_nan_alone_is_refused():
    """There is nothing to tell background from."""
    with pytest.raises(InputError, match="every voxel is NaN"):
        fill_background(np.full(SHAPE, np.nan, np.float32))


def test_a_head_with_one_value_is_refused_by_its_file(tmp_path):
    """A mask with NaN around it holds no contrast once the background is filled."""
    data = np.full(SHAPE, np.nan, np.float32)
    data[3:6, 3:6, 3:6] = 1
    with pytest.raises(InputError, match="every voxel is 1") as caught:
        read_volume(saved(tmp_path / "a.nii", data))
    assert caught.value.file == str(tmp_path / "a.nii")


def test_the_look_at_a_cohort_tells_of_filled_backgrounds(tmp_path):
    """A NaN background is no bad scan, and the examination says whose was filled."""
    data, radius = head()
    saved(tmp_path / "b.nii", data)
    data[radius >= 3.5] = np.nan
    saved(tmp_path / "a.nii", data)
    scans = [Scan(name, name, tmp_path / f"{name}.nii") for name in "ab"]
    found = examine_scans(scans)
    assert found.bad == ()
    (told,) = found.lines()
    assert told.startswith(f"1 scan with NaN around the head, first {tmp_path / 'a.nii'}: ")
    assert told.endswith("are NaN outside the head, taken for background")
