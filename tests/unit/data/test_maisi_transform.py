"""Without clipping above, a scan is scaled as MAISI's autoencoder was trained on MRI: MONAI's own transforms say so."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from monai.transforms.compose import Compose
from monai.transforms.croppad.array import ResizeWithPadOrCrop
from monai.transforms.intensity.array import ScaleIntensityRangePercentiles
from monai.transforms.io.array import LoadImage
from monai.transforms.spatial.array import Orientation, Spacing

from neuromf.data.nifti import read_volume
from neuromf.data.preprocess import Preprocessing, preprocess
from neuromf.data.template import load_template

pytestmark = pytest.mark.law("DATA-006")
WANTED = Preprocessing(2.0, (96, 112, 96), (0.0, 99.5), clip_above=False)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """The real head, stored from the left, from behind and from above, with one vessel ten times as bright."""
    template = load_template()
    data = template.t1.copy()
    data[50, 60, 40] = 10 * data.max()
    image = nibabel.Nifti1Image(data, template.affine)
    path = tmp_path_factory.mktemp("scan") / "head.nii.gz"
    turned = np.array([[0, -1], [2, -1], [1, -1]], dtype=float)
    nibabel.save(image.as_reoriented(turned), path)
    return path


def maisi(path, shape):
    """The order of MAISI's transforms (Project-MONAI/tutorials@1c942f4, generation/maisi/scripts/transforms.py)."""
    steps = [
        LoadImage(ensure_channel_first=True),
        Orientation(axcodes="RAS", labels=None),
        ScaleIntensityRangePercentiles(lower=0.0, upper=99.5, b_min=0.0, b_max=1, clip=False),
        Spacing(pixdim=2.0, mode="bilinear"),
        ResizeWithPadOrCrop(spatial_size=shape),
    ]
    return Compose(steps)(path)


def test_a_scan_is_scaled_exactly_as_maisi_scales_it(scan):
    """Every voxel that both hold, above 1 too, to the rounding of float32; padding is 0 in both."""
    ours, theirs = preprocess(read_volume(scan), WANTED), maisi(scan, WANTED.shape)
    offset = np.rint(np.linalg.inv(np.asarray(theirs.affine)) @ ours.affine[:, 3])[:3].astype(int)
    placed = np.roll(theirs.numpy()[0], tuple(-offset), axis=(0, 1, 2))
    assert np.abs(offset).max() < 12  # no head reaches over the edge, so that what is rolled over is padding
    assert ours.data.max() > 5
    assert np.abs(placed - ours.data).max() <= 2**-22 * ours.data.max()


def test_by_default_what_is_brighter_is_clipped(scan):
    """The same voxels otherwise: what MAISI leaves above 1 is 1."""
    clipped = preprocess(read_volume(scan), Preprocessing(2.0, WANTED.shape, (0.0, 100.0)))
    assert clipped.data.max() == 1


def test_percentiles_are_those_of_the_scan_however_much_is_padded(scan):
    """A larger grid changes no intensity, as it does where percentiles are taken after padding."""
    small, large = (preprocess(read_volume(scan), Preprocessing(2.0, shape, (0.0, 99.5), clip_above=False))
                    for shape in (WANTED.shape, (160, 160, 160)))  # fmt: skip
    assert small.data.max() == large.data.max()
    assert np.sum(small.data, dtype=float) == pytest.approx(np.sum(large.data, dtype=float), rel=1e-6)


def test_nothing_is_darker_than_0(scan):
    """Also where the lower percentile is not the darkest voxel."""
    result = preprocess(read_volume(scan), Preprocessing(2.0, WANTED.shape, (70.0, 99.5), clip_above=False))
    assert result.data.min() == 0
    assert result.data.max() > 5
