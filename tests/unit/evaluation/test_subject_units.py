"""What is drawn anew in a resample, and what decides a kept description."""

from dataclasses import replace

import numpy as np
import torch

from neuromf.evaluation.features.demo import demo_network
from neuromf.evaluation.subject import Scans
from neuromf.evaluation.volumes import Describer, stacked

AFFINE = tuple(tuple(row) for row in np.diag([3.0, 3.0, 3.0, 1.0]).tolist())
DESCRIBER = Describer(demo_network(3), demo_network(2), AFFINE)


def test_all_scans_of_a_subject_are_one_unit():
    """Whatever the order in which they stand."""
    scans = Scans(["a1", "b1", "a2", "c1"], ["a", "b", "a", "c"], torch.empty(4, 1))
    assert [unit.tolist() for unit in scans.units] == [[0, 2], [1], [3]]


def test_networks_and_grid_decide_a_description():
    """Another of each gives other facts, under which another description is kept."""
    other = replace(demo_network(3), fingerprint="another")
    changed = [replace(DESCRIBER, volumes=other), replace(DESCRIBER, slices=other)]
    changed.append(replace(DESCRIBER, affine=(*AFFINE[:2], (0.0, 0.0, 2.0, 0.0), AFFINE[3])))
    facts = [repr(one.facts()) for one in (DESCRIBER, *changed)]
    assert len(set(facts)) == 4


def test_a_volume_that_is_not_finite_is_described_as_dark_there():
    """No NaN reaches features or a page; the law on the range tells of it."""
    volume = torch.full((32, 32, 32), 0.5)
    volume[3] = torch.nan
    found = stacked([DESCRIBER.describe(volume)])
    assert np.isfinite(found.features_3d).all()
    assert found.axial.min() == 0


def test_what_leaves_the_range_is_counted_before_it_is_cut():
    """A share of the voxels; the slices lie in [0, 1]."""
    volume = torch.full((32, 32, 32), 0.5)
    volume[:8], volume[8:12] = 1.5, -0.5
    found = stacked([DESCRIBER.describe(volume)])
    assert found.outside[0] == 12 / 32
    assert found.small.max() == 1.0


def test_slices_lie_in_their_planes():
    """A volume that rises along one axis: across that axis a slice is level."""
    ramp = torch.linspace(0, 1, 32)[:, None, None].expand(32, 32, 32)
    found = stacked([DESCRIBER.describe(ramp)])
    assert np.ptp(found.sagittal) == 0
    assert np.ptp(found.coronal) > 0.9
    assert np.ptp(found.axial) > 0.9
