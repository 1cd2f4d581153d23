"""The remaining oracles against independent computations."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neuromf_spec.reference.adam import adamw
from neuromf_spec.reference.bilinear import BilinearNet
from neuromf_spec.reference.ema import average
from neuromf_spec.reference.initial_loss import zero_predictor
from neuromf_spec.reference.schedule import lr_multiplier
from neuromf_spec.reference.time_distribution import LogitNormalPair
from neuromf_spec.reference.weighting import potential, sum_over_mean, undetached_factor, weight, weighted_loss

from tests.support.law_strategies import SEEDS, bilinear_reference

STEP = 1e-6  # of central differences; the quantities are of order 1 and smooth, so that 1e-8 relative remains


def drawn(seed, size=3, dims=4):
    generator = np.random.default_rng(seed)
    z, v = generator.standard_normal((2, size, dims))
    t = generator.uniform(0.1, 1, size)
    return z, v, t * generator.uniform(0, 1, size), t


@given(seed=SEEDS)
def test_bilinear_derivative_matches_central_differences(seed):
    """The hand-computed du/dt is the slope of u along (v, 0, 1)."""
    net, (z, v, r, t) = bilinear_reference(seed, 4), drawn(seed)
    ahead, behind = (net.average_velocity(z + h * v, r, t + h) for h in (STEP, -STEP))
    np.testing.assert_allclose((ahead - behind) / (2 * STEP), net.time_derivative(z, t, v), rtol=1e-7, atol=1e-7)


@given(seed=SEEDS, name=st.sampled_from(["matrix", "time", "start", "product"]))
def test_bilinear_gradient_matches_central_differences(seed, name):
    """The hand-computed gradient is the slope of the weighted loss with du/dt and the weights held constant."""
    net, (z, v, r, t) = bilinear_reference(seed, 4), drawn(seed)
    factor = np.random.default_rng(seed).uniform(0.1, 1, 3)
    constant = (t - r)[:, None] * net.time_derivative(z, t, v) - v
    direction = np.random.default_rng(seed + 1).standard_normal(getattr(net, name).shape)

    def loss(h):
        moved = BilinearNet(**{**vars(net), name: getattr(net, name) + h * direction})
        error = moved.average_velocity(z, r, t) + constant
        return float(np.mean(factor * (error**2).sum(1)))

    error = net.average_velocity(z, r, t) + constant
    slope = float((getattr(net.gradient(z, r, t, error, factor), name) * direction).sum())
    assert (loss(STEP) - loss(-STEP)) / (2 * STEP) == pytest.approx(slope, rel=1e-6, abs=1e-6)


@given(loss=st.floats(1e-3, 1e4), norm_eps=st.floats(1e-2, 1e2), norm_p=st.floats(0, 2))
def test_weight_is_the_slope_of_the_potential(loss, norm_eps, norm_p):
    """The potential's slope is the weight, and the weighted loss's slope the undetached factor."""
    h = 1e-4 * loss
    slope = (potential(loss + h, norm_eps, norm_p) - potential(loss - h, norm_eps, norm_p)) / (2 * h)
    # Truncation (h/L)^2 = 1e-8; the quadrature's 1e-12 over 1e-4, where the potential is up to 1e4 slopes, 1e-4.
    assert slope == pytest.approx(float(weight(np.array(loss), norm_eps, norm_p)), rel=1e-4)
    whole = (weighted_loss(loss + h, norm_eps, norm_p) - weighted_loss(loss - h, norm_eps, norm_p)) / (2 * h)
    expected = float(undetached_factor(np.array(loss), norm_eps, norm_p))
    assert whole == pytest.approx(expected, abs=1e-6 * float(weight(np.array(loss), norm_eps, norm_p)))


def test_known_weights():
    """At p = 1 the weighted loss is L/(L + c): a half at L = c, and 442,368 dims summed or averaged weigh alike."""
    assert weighted_loss(1.0, 1.0, 1.0) == 0.5
    assert sum_over_mean(442_368, 1.0) == 1.0
    assert sum_over_mean(100, 0.5) == 10.0
    assert potential(math.e - 1, 1.0, 1.0) == pytest.approx(1.0, rel=1e-12)


@settings(max_examples=12)
@given(
    seed=SEEDS,
    prediction=st.sampled_from(["u", "x"]),
    tangent=st.sampled_from(["conditional", "model", "v_head"]),
    times=st.tuples(st.floats(0.02, 0.9), st.floats(0, 1)),
    variance=st.floats(0.2, 3),
)
def test_expected_initial_loss_matches_simulation(seed, prediction, tangent, times, variance):
    """The expectation over x and e is the mean of the per-sample closed form, above and below the clamp."""
    t, size = np.array([times[0]]), 20_000
    predictor = zero_predictor(t * times[1], t, prediction, tangent, 0.05)
    x, e = np.random.default_rng(seed).standard_normal((2, 1, size)) * [[[math.sqrt(variance)]], [[1.0]]]
    # Six standard errors of the mean of a squared normal: 6 sqrt(2/20,000) = 6 %.
    assert float(predictor.loss(x, e)[0]) == pytest.approx(float(predictor.expected_loss(variance)[0]), rel=0.06)


def test_known_initial_losses():
    """U starts at 1 + s^2, x at s^2/t^2 with the model's tangent and at s^2 r^2/t^4 with the conditional one."""
    r, t = np.array([0.2]), np.array([0.5])
    assert zero_predictor(r, t, "u", "model", 0.05).expected_loss(1.5) == pytest.approx([2.5])
    assert zero_predictor(r, t, "x", "model", 0.05).expected_loss(1.5) == pytest.approx([1.5 / 0.25])
    assert zero_predictor(r, t, "x", "conditional", 0.05).expected_loss(1.5) == pytest.approx([1.5 * 0.04 / 0.0625])


def test_lost_run_started_at_47_5():
    """Its FM and MF terms, four channels each, started at 4 x 2 x 5.94 = 47.5 per voxel: epoch 24 is 11 x that."""
    level = 4 * 2 * LogitNormalPair(-0.4, 1.0).inverse_square(0.05)
    assert level == pytest.approx(47.5, abs=0.05)
    assert 523 / level == pytest.approx(11.0, abs=0.05)


@given(seed=SEEDS, rate=st.floats(1e-5, 1e-1))
def test_first_adam_step_is_the_sign_of_the_gradient(seed, rate):
    """Bias correction makes the first update -rate * sign(g) for any betas; decay shrinks the weight before it."""
    start, gradient = np.random.default_rng(seed).standard_normal((2, 5))
    arguments = {"beta1": 0.9, "beta2": 0.999, "epsilon": 0.0}
    (plain,) = adamw(start, [gradient], [rate], **arguments, weight_decay=0.0)
    np.testing.assert_allclose(plain, start - rate * np.sign(gradient), rtol=1e-12, atol=1e-15)
    (decayed,) = adamw(start, [gradient], [rate], **arguments, weight_decay=0.1)
    np.testing.assert_allclose(plain - decayed, 0.1 * rate * start, rtol=1e-6, atol=1e-15)


@given(seed=SEEDS, decay=st.floats(0.01, 0.9999), steps=st.integers(0, 30))
def test_average_is_the_recursion(seed, decay, steps):
    """The closed form is what one update after another gives."""
    trail = np.random.default_rng(seed).standard_normal((steps + 1, 3))
    recursive = trail[0]
    for weights in trail[1:]:
        recursive = decay * recursive + (1 - decay) * weights
    np.testing.assert_allclose(average(trail[0], list(trail[1:]), decay), recursive, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("step", "total", "warmup", "schedule", "expected"),
    [
        (0, 100, 0, "constant", 1.0),
        (0, 100, 10, "constant", 0.1),
        (9, 100, 10, "constant", 1.0),
        (10, 100, 10, "cosine", 1.0),
        (55, 100, 10, "cosine", 0.5),
        (55, 100, 10, "linear", 0.5),
        (99, 100, 0, "linear", 0.01),
        (749, 15_000, 5_000, "cosine", 0.15),
    ],
)
def test_schedule_has_its_hand_computed_values(step, total, warmup, schedule, expected):
    """Ramp, turn, middle and end of each schedule; the last row is the lost run's rate at epoch 24, 1.5e-5 of 1e-4."""
    assert lr_multiplier(step, total, warmup, schedule) == pytest.approx(expected, rel=1e-12)
