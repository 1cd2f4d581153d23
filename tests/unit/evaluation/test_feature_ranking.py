"""The feature network that ships ranks heads by how much is wrong with them."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from neuromf.data.template import load_template
from neuromf.data.variation import draw_subject, subject_generator, synthesise
from neuromf.evaluation.features.demo import demo_network
from neuromf.evaluation.metrics.frechet import frechet_distance
from neuromf.evaluation.volumes import PLACES

HEADS = 10
"""On each side."""
SPACING_MM = 4.0


@pytest.fixture(scope="module")
def heads():
    """Real anatomy, varied, in [0, 1]: 20 heads at 4 mm."""
    template, found = load_template(), []
    for index in range(2 * HEADS):
        generator = subject_generator(77, index)
        volume = synthesise(template, draw_subject(generator), generator).astype(np.float32)
        coarse = ndimage.zoom(ndimage.gaussian_filter(volume, 0.7), 0.5, order=1)
        found.append((coarse / np.quantile(coarse, 0.995)).clip(0, 1))
    return np.stack(found)


def blurred(head, amount):
    return ndimage.gaussian_filter(head, amount)


def noisy(head, amount):
    return (head + amount * np.random.default_rng(0).standard_normal(head.shape)).clip(0, 1).astype(np.float32)


def shifted(head, amount):
    return np.roll(head, amount, axis=0)


def darkened(head, amount):
    return head**amount


def cut(head, amount):
    return np.where(np.arange(len(head))[:, None, None] < 10 + amount, 0, head).astype(np.float32)


def of_volumes(heads):
    network = demo_network(3)
    return network(torch.from_numpy(heads)[:, None], SPACING_MM).numpy()


def of_slices(heads):
    network = demo_network(2)
    planes = [
        torch.stack([torch.from_numpy(head).select(axis, int(place * head.shape[axis])) for place in PLACES])
        for head in heads
        for axis in range(3)
    ]
    return np.concatenate([network(plane[:, None], SPACING_MM).numpy() for plane in planes])


@pytest.mark.parametrize("features", [of_volumes, of_slices])
@pytest.mark.parametrize(
    ("change", "amounts"),
    [
        (blurred, (0.6, 1.0, 2.0)),
        (noisy, (0.05, 0.08, 0.15)),
        (shifted, (2, 4, 8)),
        (darkened, (1.2, 1.5, 2.0)),
        (cut, (2, 5, 9)),
    ],
)
def test_more_of_a_fault_is_farther_from_real_heads(heads, features, change, amounts):
    """Every fault lies farther than other real heads do, and each larger one farther than the smaller."""
    reference, others = features(heads[:HEADS]), heads[HEADS:]
    changed = [np.stack([change(head, amount) for head in others]).astype(np.float32) for amount in amounts]
    found = [frechet_distance(features(one), reference) for one in (others, *changed)]
    assert found == sorted(found)
    assert found[-1] > 1.3 * found[0]
