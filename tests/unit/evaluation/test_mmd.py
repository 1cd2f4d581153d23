"""The maximum mean discrepancy, against a double loop, a closed form and MONAI."""

import numpy as np
import pytest
import torch
from monai.metrics.mmd import compute_mmd

from neuromf.evaluation.metrics.kernel import gaussian_kernel, median_bandwidth, mmd_squared, squared_distances

GENERATOR = np.random.default_rng(0)


def by_loops(one, other, width):
    """The estimator as it is written, pair by pair."""

    def kernel(a, b):
        return np.exp(-sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / (2 * width**2))

    def within(points):
        pairs = [kernel(a, b) for i, a in enumerate(points) for j, b in enumerate(points) if i != j]
        return sum(pairs) / len(pairs)

    between = [kernel(a, b) for a in one for b in other]
    return within(one) + within(other) - 2 * sum(between) / len(between)


def measured(one, other, width):
    kernels = (gaussian_kernel(squared_distances(*pair), width) for pair in ((one, one), (other, other), (one, other)))
    return mmd_squared(*kernels)


def test_it_is_the_double_loop():
    """Samples of unlike size under a Gaussian kernel."""
    one, other = GENERATOR.standard_normal((7, 3)), GENERATOR.standard_normal((5, 3)) + 0.5
    assert measured(one, other, 1.3) == pytest.approx(by_loops(one, other, 1.3), rel=1e-10)


def test_it_is_monais_for_a_linear_kernel_and_samples_of_one_size():
    """All that MONAI's takes."""
    one, other = GENERATOR.standard_normal((6, 4)), GENERATOR.standard_normal((6, 4)) + 1
    found = mmd_squared(one @ one.T, other @ other.T, one @ other.T)
    expected = float(compute_mmd(*(torch.from_numpy(s)[:, None] for s in (other, one)), y_mapping=None))
    assert found == pytest.approx(expected, rel=1e-9)


def test_gaussians_have_the_discrepancy_of_the_closed_form():
    """N(0, 1) and N(2, 1) in one dim under a kernel of width 1: 2 / sqrt(3) (1 - exp(-4 / 6))."""
    one, other = GENERATOR.standard_normal((2_000, 1)), GENERATOR.standard_normal((2_000, 1)) + 2
    assert measured(one, other, 1.0) == pytest.approx(2 / np.sqrt(3) * (1 - np.exp(-4 / 6)), rel=0.06)


def test_it_is_unbiased():
    """Of two samples of one distribution the mean over many is 0, within its error."""
    found = [measured(*GENERATOR.standard_normal((2, 10, 2)), 1.0) for _ in range(400)]
    assert abs(np.mean(found)) < 3 * np.std(found) / 20


def test_the_width_is_the_median_distance():
    """Of 0, 1 and 3 the distances are 1, 2 and 3."""
    assert median_bandwidth(squared_distances(*[np.array([[0.0], [1.0], [3.0]])] * 2)) == pytest.approx(2.0)


def test_squared_distances_are_those_of_the_differences():
    """And 0 of a row with itself, whatever is lost by the product."""
    one, other = GENERATOR.standard_normal((2, 4, 100)).astype(np.float32)
    expected = ((one[:, None].astype(float) - other[None]) ** 2).sum(2)
    np.testing.assert_allclose(squared_distances(one, other), expected, rtol=1e-10)
    assert (np.diag(squared_distances(one, one)) < 1e-10).all()
