"""Claims of the review about the adaptive weight and norm_eps, recomputed (`spec/neuromf_spec/claims.toml`)."""

import math
import statistics

import numpy as np
import pytest
import torch
from neuromf_spec.claims import claims
from neuromf_spec.laws.weight_regime import LINEAR, SATURATED, regime
from neuromf_spec.reference.failed_run import RECORDED_CHANNELS
from neuromf_spec.reference.time_distribution import LogitNormalPair

from neuromf.flow.weighting import potential, reduce_dims, weighted_loss

RECOMPUTED = {row.id: row.recomputed for row in claims()}
DIMS = 4 * 48**3
TOTALS = {epoch: sum(channels) for epoch, channels in RECORDED_CHANNELS.items()}
EPSILON = float(np.finfo(np.float32).eps)


def trained_loss():
    """Loss per dim that a perfect model keeps on unit-variance latents: E[1/((1-t)^2 + t^2)]."""
    return LogitNormalPair(-0.4, 1.0).mean_over_t(lambda t: 1 / ((1 - t) ** 2 + t**2))


def table_as_sum(total):
    """A total of the table, per voxel, as FM and MF loss of a sample summed over its voxels."""
    return total * 48**3


def spread_samples(level):
    """Losses of 3,000 samples in float32, spread log-normally around a level."""
    return torch.from_numpy(level * np.exp(0.5 * np.random.default_rng(0).standard_normal(3000))).float()


def healthy_samples():
    """Summed losses of 3,000 samples of a perfect model on unit-variance latents, 1/((1-t)^2 + t^2) per dim."""
    t = 1 / (1 + np.exp(0.4 - np.random.default_rng(0).standard_normal((3000, 2)).max(1)))
    return torch.from_numpy(DIMS / ((1 - t) ** 2 + t**2)).float()


def gradient(loss, norm_eps, norm_p):
    """Factor on the gradient of L in the trainer's weighted loss, in float64."""
    loss_B = torch.tensor(loss, dtype=torch.float64, requires_grad=True)
    weighted_loss(loss_B, norm_eps, norm_p).sum().backward()
    return loss_B.grad.numpy()


@pytest.mark.parametrize("state", ["healthy", *TOTALS])
def test_two_summed_terms_read_exactly_two_whether_lost_or_healthy(state):
    """In float32 two terms L/(L + 0.01) add up to exactly 2.0 with spread 0.0, for a perfect model too."""
    losses = healthy_samples() if state == "healthy" else spread_samples(table_as_sum(TOTALS[state]) / 2)
    reading = sum(loss / (loss + 0.01) for loss in (losses, losses.flip(0)))  # the public code divides
    mean, deviation = float(reading.mean()), float(reading.std())
    assert (mean, deviation) == (2.0, 0.0)
    assert RECOMPUTED["CLAIM-05"].startswith(f"{mean} and {deviation} =")
    assert RECOMPUTED["CLAIM-05"].endswith(f"two L/(L + 0.01) with L summed over {DIMS:,} dims")
    # This trainer multiplies by (L + c)^-1: two roundings a term, hence 2.0 to two epsilons.
    assert float((2 * weighted_loss(losses, 0.01, 1.0) - 2).abs().max()) <= 2 * EPSILON


def test_weighted_loss_hides_the_growth_that_the_potential_shows():
    """Over the recorded growth the weighted loss moves by one epsilon at most, the potential by log 4,817."""
    ends = torch.tensor([table_as_sum(TOTALS[epoch]) / 2 for epoch in (24, 224)])
    weighted, reported = weighted_loss(ends, 0.01, 1.0), potential(ends, 0.01, 1.0)
    rise = float(reported[1] - reported[0])
    assert float((ends / (ends + 0.01)).diff()) == 0.0
    assert abs(float(weighted.diff())) <= EPSILON
    assert f"{rise:.2f} = log {math.exp(rise):,.0f}" in RECOMPUTED["CLAIM-06"]


def test_norm_eps_is_compared_within_one_reduction():
    """100 between two values of c is 10,800 per dim, 1e-6 in a summed loss's weight and 55 % in an averaged one's."""
    ours, theirs = 0.01, 1.0
    loss = trained_loss()
    per_dim = (theirs / 4096) / (ours / DIMS)
    summed = gradient(loss * DIMS, ours, 1.0) / gradient(loss * DIMS, theirs, 1.0) - 1
    averaged = gradient(loss, ours, 1.0) / gradient(loss, theirs, 1.0) - 1
    expected = f"{theirs / ours:.0f} in c, {per_dim:,.0f} in c per dim, {summed:.1e} in the weight"
    assert RECOMPUTED["CLAIM-13"].startswith(expected)
    assert f"{100 * averaged:.0f} % when averaged" in RECOMPUTED["CLAIM-13"]


# Source and line of each default, with the dims over which its loss is summed.
PUBLIC_DEFAULTS = {
    "Gsunshine/meanflow, configs/default.py:71": (0.01, 32 * 32 * 4),
    "Lyy-iiis/imeanflow, configs/default.py:66": (0.01, 32 * 32 * 4),
    "Lyy-iiis/pMF, configs/default.py:65": (0.01, 256 * 256 * 3),
    "Gsunshine/py-meanflow, train_arg_parser.py:65": (1e-3, 32 * 32 * 3),
    "HaoyiZhu/MeanFlow-PyTorch, meanflow.py:33, class": (0.01, 32 * 32 * 4),
    "HaoyiZhu/MeanFlow-PyTorch, train_meanflow.py:453, command line": (1.0, 32 * 32 * 4),
}


def test_public_defaults_of_norm_eps():
    """One of six public defaults is 1.0, and each leaves its own zero predictor, 2 per dim, far in saturation."""
    values = [norm_eps for norm_eps, _ in PUBLIC_DEFAULTS.values()]
    ratios = [2 * dims / norm_eps for norm_eps, dims in PUBLIC_DEFAULTS.values()]
    assert {regime(ratio) for ratio in ratios} == {"saturated"}
    assert values.count(1.0) == 1
    assert "of which one is 1.0" in RECOMPUTED["CLAIM-14"]
    assert RECOMPUTED["CLAIM-14"].startswith(f"median {statistics.median(values)} of six")
    assert f"at least {min(ratios):,.0f} in all" in RECOMPUTED["CLAIM-14"]


def test_saturation_is_full_normalisation():
    """Far above c the gradient per unit of log L is 1 whatever L; far below it is L/c, which is no normalisation."""
    large, small = np.geomspace(1e3, 1e12, 10), np.geomspace(1e-12, 1e-5, 8)
    per_log = large * gradient(large, 0.01, 1.0)
    np.testing.assert_allclose(per_log, 1.0, rtol=0.01 / large[0])  # 1 - c/(L + c)
    assert f"{per_log.min():.4f}" == "1.0000"
    assert "1.0000 per unit of log L" in RECOMPUTED["CLAIM-15"]
    np.testing.assert_allclose(small * gradient(small, 0.01, 1.0), small / 0.01, rtol=small[-1] / 0.01)


def test_limits_of_the_weighted_loss():
    """L/(2c) is the weighted loss at L = c and within 10 % from 0.8 c to 1.2 c; L/c is so within 1 % below 0.01 c."""
    norm_eps, low, high, far = 0.01, 0.8, 1.2, 0.01
    ratios = torch.tensor([1.0, low, high, low - 0.01, high + 0.01, far], dtype=torch.float64)
    weighted = weighted_loss(ratios * norm_eps, norm_eps, 1.0)
    errors = ((ratios / 2) / weighted - 1).abs()
    assert errors[0] <= 1e-12
    assert errors[1:3].tolist() == pytest.approx([0.1, 0.1])
    assert (errors[3:5] > 0.1).all()
    assert float(ratios[5] / weighted[5] - 1) == pytest.approx(far)
    expected = f"exact at L = c, within 10 % from {low} c to {high} c; L/c within {100 * far:.0f} % below {far} c"
    assert expected == RECOMPUTED["CLAIM-16"]


def test_saturated_depends_on_the_unit_of_the_loss():
    """A summed loss of 1 is saturated at c = 0.01 and unreachable; a trained model is saturated in either reduction."""
    summed = torch.full((1, DIMS), 1 / DIMS)
    loss = float(reduce_dims(summed, "sum"))
    assert loss == pytest.approx(1.0, rel=1e-4)  # float32 sums of 442,368 terms
    assert regime(loss / 0.01) == "saturated"
    trained = trained_loss()
    text = RECOMPUTED["CLAIM-17"]
    assert text.startswith(f"L/c is {loss / 0.01:.0f} at a summed loss of 1, which is {1 / DIMS:.1e} per dim")
    assert f"{trained * DIMS / 0.01:.1e} summed and {trained / 0.01:.0f} averaged" in text
    assert trained * DIMS > 1e5


def test_recorded_reading_identifies_the_sum():
    """Averaged, epoch 24 would have read 1.9997 at most; the reading fits the sum, 110,592 times the table."""
    per_dim = TOTALS[24] / 8  # FM and MF, four channels
    at_most = 2 * per_dim / (per_dim + 0.01)  # samples that differ read less, for L/(L + c) is concave
    averaged = 2 * weighted_loss(spread_samples(per_dim), 0.01, 1.0)
    summed = spread_samples(per_dim * DIMS)
    assert float((2 * summed / (summed + 0.01)).mean()) == 2.0
    assert float(averaged.mean()) < at_most
    assert float(averaged.std()) > 1e-5  # would print as more than 0.0
    expected = f"{table_as_sum(TOTALS[24]):.2e} in the weight's unit; an averaged loss would have read {at_most:.4f}"
    assert expected in RECOMPUTED["CLAIM-18"]


def test_norm_eps_changes_no_gradient_of_a_summed_loss():
    """At a trained model's summed loss c = 0.01 and 1.0 give the same gradients to 1e-6, averaged they do not."""
    levels = np.array([trained_loss() * DIMS, table_as_sum(TOTALS[24])])
    trained, epoch_24 = 1 - gradient(levels, 1.0, 1.0) / gradient(levels, 0.01, 1.0)
    text = RECOMPUTED["CLAIM-19"]
    assert f"equal to {trained:.1e}, at epoch 24 to {epoch_24:.1e}" in text
    # 1.0/L is the whole difference, and L per sample of a trained model is above 2e5 whatever the latents.
    assert trained == pytest.approx(0.99 / levels[0], rel=1e-3)
    averaged = 1 - gradient(trained_loss(), 1.0, 1.0) / gradient(trained_loss(), 0.01, 1.0)
    assert averaged > 0.3


def test_trained_loss_is_of_order_one_per_dim_alone():
    """A perfect model keeps 1.79 per dim, within the review's 0.5 to 5.0, and 7.9e5 per summed sample, far outside."""
    loss = trained_loss()
    assert RECOMPUTED["CLAIM-21"].startswith(f"{loss:.2f} per dim, {loss * DIMS:.2e} per sample")
    assert 0.5 < loss < 5.0 < loss * DIMS
    assert LINEAR < loss / 1.0 < SATURATED


def test_small_norm_p_keeps_high_losses_larger():
    """Losses of 1e2 and 1e6 weigh 1 : 10 at p = 0.75, 1 : 100 at p = 0.5 and alike at p = 1."""
    losses = torch.tensor([1e2, 1e6], dtype=torch.float64)
    ratios = {p: float(weighted_loss(losses, 1e-3, p)[1] / weighted_loss(losses, 1e-3, p)[0]) for p in (0.75, 0.5, 1.0)}
    expected = f"1 : {ratios[0.75]:.0f} at p = 0.75, 1 : {ratios[0.5]:.0f} at 0.5 and 1 : {ratios[1.0]:.0f} at 1"
    assert RECOMPUTED["CLAIM-61"] == "losses of 1e2 and 1e6 weigh " + expected


def test_norm_p_changes_the_weighted_loss():
    """P = 0.5 gives (L + c)^0.5 times the loss of p = 1, so that only L + c = 1 could hide the difference."""
    losses = torch.tensor([1e-3, 0.5, 0.99, 1.8, 1e6], dtype=torch.float64)
    ratio = weighted_loss(losses, 0.01, 0.5) / weighted_loss(losses, 0.01, 1.0)
    np.testing.assert_allclose(ratio, (losses + 0.01) ** 0.5, rtol=1e-12)
    assert [value for value, same in zip(losses.tolist(), (ratio - 1).abs() < 1e-3, strict=True) if same] == [0.99]
