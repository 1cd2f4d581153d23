"""Other programs see a volume that neuromf wrote as it was meant: by the sform as FSL, by the qform as old ITK."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import SimpleITK
from scipy.spatial.transform import Rotation

from neuromf.data.nifti import write_volume

pytestmark = pytest.mark.law("DATA-006")
UPRIGHT = np.array([[2.0, 0, 0, -90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])


def tilted():
    """Unlike edges, mirrored and turned about all three axes."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", (20, -35, 50), degrees=True).as_matrix() @ np.diag([-1.5, 2.0, 0.75])
    affine[:3, 3] = [31.5, -77, 12]
    return affine


def written(tmp_path, affine):
    data = np.random.default_rng(0).random((5, 6, 7), dtype=np.float32)
    write_volume(tmp_path / "a.nii.gz", data, affine)
    return data, tmp_path / "a.nii.gz"


@pytest.mark.parametrize("affine", [UPRIGHT, tilted()], ids=["upright", "tilted"])
def test_both_forms_hold_one_map_and_one_code(tmp_path, affine):
    """Who reads the sform and who reads the qform place each voxel alike."""
    _, path = written(tmp_path, affine)
    header = nibabel.load(path).header
    (sform, sform_code), (qform, qform_code) = header.get_sform(coded=True), header.get_qform(coded=True)
    assert (sform_code, qform_code) == (2, 2)
    assert sform == pytest.approx(affine, abs=1e-5)
    assert qform == pytest.approx(affine, abs=1e-4)


def test_what_a_qform_cannot_hold_is_in_the_sform_alone(tmp_path):
    """A sheared grid has no quaternion: better none than another place."""
    affine = UPRIGHT.copy()
    affine[0, 1] = 0.5
    _, path = written(tmp_path, affine)
    header = nibabel.load(path).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (2, 0)
    assert nibabel.load(path).affine == pytest.approx(affine, abs=1e-6)


@pytest.mark.parametrize("affine", [UPRIGHT, tilted()], ids=["upright", "tilted"])
def test_simpleitk_finds_each_voxel_at_its_place(tmp_path, affine):
    """Its world has left and posterior positive, and its arrays begin with the slice."""
    data, path = written(tmp_path, affine)
    image = SimpleITK.ReadImage(str(path))
    assert np.array_equal(SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0), data)
    for index in ((0, 0, 0), (4, 0, 0), (0, 5, 0), (0, 0, 6), (1, 2, 3)):
        place = np.array(image.TransformIndexToPhysicalPoint(index)) * [-1, -1, 1]
        assert place == pytest.approx((affine @ [*index, 1])[:3], abs=1e-4)
