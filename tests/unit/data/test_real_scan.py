"""Golden numbers of a real scan, the MNI152 brain that nilearn ships, through each step up to a latent's input.

The sums of a volume's voxels with random signs tell a change of one voxel by a hundredth, a mirrored axis and a shift,
and bear the rounding in which processors differ, as a hash of the bytes would not. Where a change is meant, the
failing test prints what they are now.
"""

from __future__ import annotations

import numpy as np
import pytest

from neuromf.data.nifti import Volume, read_volume
from neuromf.data.preprocess import Preprocessing, preprocess
from neuromf.data.template import load_template

pytestmark = pytest.mark.law("DATA-006")


def sums(data):
    """Four sums of a volume's voxels, each voxel with a sign of its own."""
    signs = np.random.Generator(np.random.Philox(0)).integers(0, 2, (4, *data.shape), dtype=np.int8) * 2 - 1
    return [round(float(np.sum(sign * data, dtype=np.float64)), 3) for sign in signs]


TEMPLATE = {
    "t1": [279.124, -784.3, -237.67, 246.043],
    "grey": [534.907, -766.881, -163.996, 132.992],
    "white": [-124.954, -277.499, -147.111, 208.992],
}
PREPROCESSED = [-341.07, -171.372, 112.76, 8.282]
HEADS = {
    1: [247900, -845842, -266740, 202212],
    2: [166519, -641725, -278863, 268051],
    3: [101606, -901770, -291238, 333902],
}


@pytest.mark.parametrize("part", TEMPLATE)
def test_the_real_brain_is_the_one_that_is_told(part):
    """Intensity, grey and white matter of the template, each voxel."""
    template = load_template()
    assert sums(getattr(template, part)) == pytest.approx(TEMPLATE[part], abs=0.002)
    assert template.affine.tolist() == [[2, 0, 0, -98], [0, 2, 0, -134], [0, 0, 2, -72], [0, 0, 0, 1]]


def test_the_real_brain_is_preprocessed_as_it_was():
    """Voxels and affine at 3 mm, of a scan that is stored from the left, from the top and from behind."""
    template = load_template()
    turned = np.ascontiguousarray(np.transpose(template.t1, (2, 0, 1))[::-1, ::-1, :])
    affine = np.array([[0, -2.0, 0, 98], [0, 0, 2, -134], [-2, 0, 0, 116], [0, 0, 0, 1]])
    result = preprocess(Volume(turned, affine), Preprocessing(3.0, (52, 64, 56), (0.0, 99.5)))
    assert sums(result.data) == pytest.approx(PREPROCESSED, abs=0.002)
    expected = [[3, 0, 0, -77], [0, 3, 0, -110], [0, 0, 3, -75], [0, 0, 0, 1]]
    assert result.affine == pytest.approx(np.array(expected), abs=1e-5)


@pytest.mark.parametrize("number", HEADS)
def test_the_built_in_heads_are_those_that_recipes_were_trained_on(cohort, number):
    """Each head of seed 0, to the rounding of a few voxels by one of a thousand."""
    head = read_volume(cohort / f"sub-{number:04d}" / "anat" / f"sub-{number:04d}_T1w.nii.gz")
    assert sums(head.data) == pytest.approx(HEADS[number], abs=20)
