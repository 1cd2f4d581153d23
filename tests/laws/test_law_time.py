"""The trainer's times against laws TIME-001 to TIME-005."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from neuromf_spec.laws.time_integrals import gap_probability
from neuromf_spec.reference.time_distribution import LogitNormalPair
from neuromf_spec.registry import law
from scipy import stats

from neuromf.flow.prediction import average_velocity
from neuromf.flow.settings import TimeSettings
from neuromf.flow.times import draw_times, fm_mask
from neuromf.training.process_group.ranks import ProcessGroup
from tests.support.law_strategies import SEEDS

SHARES = st.fractions(0, 1, max_denominator=1000).map(float)
WINDOWS = st.tuples(st.integers(0, 10**12), st.integers(1, 3000))


def draw(seed, size, share, **times):
    generator = np.random.default_rng(seed)
    normal, uniform = generator.standard_normal((size, 2)), generator.random((size, 3))
    return draw_times(normal, uniform, fm_mask(0, size, share), TimeSettings(data_proportion=share, **times))


@pytest.mark.law("TIME-001")
@example(normals=[(-1.0, 1.0)], uniforms=[(0.9, 0.1, 0.2)] * 8, share=0.0, t_min=0.05, sigma=1.0, dtype=np.float64)
@given(
    normals=st.lists(st.tuples(*(st.floats(-50, 50),) * 2), min_size=1, max_size=8),
    uniforms=st.lists(st.tuples(*(st.floats(0, 1, exclude_max=True),) * 3), min_size=8, max_size=8),
    share=SHARES,
    t_min=st.floats(1e-4, 0.9),
    sigma=st.floats(0.1, 5),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_times_are_ordered_for_any_draw(normals, uniforms, share, t_min, sigma, dtype):
    """Whatever is drawn, 0 <= r <= t <= 1 and t >= t_min, also after rounding to float32."""
    size = len(normals)
    config = TimeSettings(t_min=t_min, sigma=sigma, uniform_fraction=0.5)
    pairs = draw_times(np.array(normals), np.array(uniforms[:size]), fm_mask(0, size, share), config)
    r, t = pairs.r_B.astype(dtype), pairs.t_B.astype(dtype)
    assert (r == t)[pairs.is_fm_B].all()
    finding = law("TIME-001").predicate(
        smallest_r=r.min(), smallest_gap=(t - r).min(), smallest_t=t.min(), largest_t=t.max(), t_min=t_min
    )
    assert finding.passed, finding


@pytest.mark.law("TIME-002")
@given(share=SHARES, window=WINDOWS)
def test_any_window_holds_its_share_of_fm_samples(share, window):
    """Any window of a run holds data_proportion of its samples with r = t, to within one sample."""
    start, count = window
    samples = int(fm_mask(start, count, share).sum())
    assert abs(samples - share * count) < 1
    rarer = min(share, 1 - share)
    if rarer == 0 or rarer * count >= 1:
        assert law("TIME-002").predicate(fm_samples=samples, samples=count, data_proportion=share).passed


@pytest.mark.law("TIME-002")
@given(share=SHARES, start=st.integers(0, 10**9), cuts=st.lists(st.integers(1, 16), min_size=1, max_size=24))
def test_share_does_not_depend_on_the_cut(share, start, cuts):
    """Cutting a window into micro-batches of any sizes, on any ranks, changes no sample's kind."""
    whole = fm_mask(start, sum(cuts), share)
    offsets = [start + sum(cuts[:index]) for index in range(len(cuts))]
    parts = [fm_mask(offset, count, share) for offset, count in zip(offsets, cuts, strict=True)]
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.law("TIME-002")
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 0.9])
def test_share_holds_for_every_micro_batch_size_and_world_size(share):
    """For micro-batches of 1 to 64 on 1 to 8 ranks, the ranks' samples together hold the share, step after step."""
    for size, ranks in product(range(1, 65), range(1, 9)):
        starts = [ProcessGroup(rank, ranks).share(range(0, 12 * ranks * size, size)) for rank in range(ranks)]
        kinds = [fm_mask(10_000 + start, size, share) for mine in starts for start in mine]
        samples, found = 12 * ranks * size, int(np.concatenate(kinds).sum())
        assert abs(found - share * samples) < 1, (size, ranks)
        assert law("TIME-002").predicate(fm_samples=found, samples=samples, data_proportion=share).passed, (size, ranks)


@pytest.mark.law("TIME-002")
def test_truncation_per_micro_batch_breaks_the_law():
    """The public code's int(B p) at B = 1 gives no FM sample in 16 at p = 0.75, which the law rejects."""
    truncated = sum(int(1 * 0.75) for _ in range(16))
    assert not law("TIME-002").predicate(fm_samples=truncated, samples=16, data_proportion=0.75).passed


@pytest.mark.law("TIME-003")
@settings(max_examples=10)
@given(
    seed=SEEDS,
    mu=st.floats(-1.5, 1.0),
    sigma=st.floats(0.5, 1.5),
    r_mu=st.none() | st.floats(-4.0, 1.0),
    r_sigma=st.none() | st.floats(0.5, 1.6),
    share=st.sampled_from([0.25, 0.5, 1.0]),
)
def test_t_follows_the_larger_of_a_logit_normal_pair(seed, mu, sigma, r_mu, r_sigma, share):
    """FM and MF samples alike have t distributed as the larger of the pair, and MF samples r as the smaller."""
    logits = {"mu": mu, "sigma": sigma, "r_mu": r_mu, "r_sigma": r_sigma}
    pairs = draw(seed, 20_000, share, **logits, t_min=1e-9, uniform_fraction=0.0)
    oracle = LogitNormalPair(**logits)
    samples = [(pairs.t_B[pairs.is_fm_B], oracle.t_cdf)]
    if share < 1:
        samples += [(pairs.t_B[~pairs.is_fm_B], oracle.t_cdf), (pairs.r_B[~pairs.is_fm_B], oracle.r_cdf)]
    for drawn, cdf in samples:
        statistic = float(stats.kstest(drawn, cdf).statistic)
        assert law("TIME-003").predicate(statistic=statistic, samples=len(drawn)).passed


@pytest.mark.law("TIME-003")
@settings(max_examples=5)
@given(seed=SEEDS)
def test_a_second_time_of_its_own_breaks_the_law_of_a_pair_that_is_alike(seed):
    """Pairs around -0.6 and -4 do not pass for pairs around -0.6, nor for pairs around -4."""
    t = draw(seed, 20_000, 0.5, mu=-0.6, sigma=1.6, r_mu=-4.0, t_min=1e-9, uniform_fraction=0.0).t_B
    for mu in (-0.6, -4.0):
        statistic = float(stats.kstest(t, LogitNormalPair(mu, 1.6).t_cdf).statistic)
        assert not law("TIME-003").predicate(statistic=statistic, samples=len(t)).passed


@pytest.mark.law("TIME-003")
@settings(max_examples=5)
@given(seed=SEEDS)
def test_a_single_draw_breaks_the_law(seed):
    """T drawn as one logit-normal time instead of the larger of two is rejected."""
    single = 1 / (1 + np.exp(0.4 - np.random.default_rng(seed).standard_normal(5_000)))
    statistic = float(stats.kstest(single, LogitNormalPair(-0.4, 1.0).t_cdf).statistic)
    assert not law("TIME-003").predicate(statistic=statistic, samples=5_000).passed


@pytest.mark.law("TIME-004")
@given(seed=SEEDS, t_min=st.floats(0.01, 0.6), clamp=st.floats(0.01, 0.6))
def test_clamp_is_idle_on_drawn_times_where_the_floors_agree(seed, t_min, clamp):
    """With one t_min no drawn time is clamped; a clamp above the sampler's floor biases u, and the law counts it."""
    # mu -3 puts most pairs below the floor, so that the clamp is put to the test.
    t = torch.from_numpy(draw(seed, 64, 0.5, mu=-3.0, t_min=t_min).t_B)
    z = torch.ones(64, 1, dtype=torch.float64)
    unclamped = z / t[:, None]
    assert torch.equal(average_velocity(0 * z, z, t, "x", t_min), unclamped)
    assert float((1 / t).max()) <= 1 / t_min
    share = float((t < clamp).float().mean())
    finding = law("TIME-004").predicate(share=share, sampler_t_min=t_min, clamp_t_min=clamp)
    assert finding.passed == (share <= 0.01)
    if clamp > float(t.min()):
        assert not torch.equal(average_velocity(0 * z, z, t, "x", clamp), unclamped)


@pytest.mark.law("TIME-005")
@settings(max_examples=6)
@given(
    seed=SEEDS,
    fraction=st.sampled_from([0.0, 0.2, 1.0]),
    sigma=st.sampled_from([1.0, 2.0]),
    second=st.none() | st.just((-4.0, 1.6)),
)
def test_share_of_long_intervals_is_the_predicted_one(seed, fraction, sigma, second):
    """The trainer draws t - r > 0.9 among MF samples as often as the law's integral says."""
    size = 200_000
    r_mu, r_sigma = second or (None, None)
    pairs = draw(seed, size, 0.0, mu=-0.4, sigma=sigma, r_mu=r_mu, r_sigma=r_sigma, uniform_fraction=fraction)
    predicted = gap_probability(0.9, -0.4, sigma, fraction, second)
    # Six standard errors of a binomial share, and one sample for shares near zero.
    margin = 6 * math.sqrt(predicted * (1 - predicted) / size) + 1 / size
    assert abs(float((pairs.t_B - pairs.r_B > 0.9).mean()) - predicted) <= margin
    kept = fraction > 0 or sigma == 2.0 or second is not None
    assert law("TIME-005").predicate(probability=predicted).passed == kept
