"""The rules that see a diverging run by its raw losses: laws GUARD-004, GUARD-005 and GUARD-006, on any curve."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.reference.failed_run import FAILED_RUN_START
from neuromf_spec.reference.time_distribution import LogitNormalPair
from neuromf_spec.registry import law

from neuromf.config import load_config
from neuromf.monitor.guard.alarm import Level, RawLosses
from neuromf.monitor.guard.cusum import GRACE, HALT, ROLLING, WARN, Cusum
from neuromf.monitor.guard.guard import BLOCK, DivergenceGuard
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss, anchor

START = ZeroPredictorLoss(total=6.0, flow=6.0)
SETTLED = GRACE + ROLLING
SCALES = st.floats(1e-3, 1e6)


def alarms(guard, losses, blocks=1):
    """Alarms of some blocks of steps that are all alike."""
    heard = [alarm for _ in range(blocks * BLOCK) for alarm in guard.observe(losses).alarms]
    return {(alarm.law, alarm.level) for alarm in heard}


@pytest.mark.law("GUARD-004")
@given(ratio=st.floats(0.01, 1e4))
def test_a_block_worse_than_predicting_nothing_is_warned_of(ratio):
    """The guard warns exactly where ten times the loss of predicting nothing is passed."""
    heard = alarms(DivergenceGuard(1e9, 1e9, START), RawLosses(ratio * START.total))
    held = law("GUARD-004").predicate(loss=ratio * START.total, expected=START.total).passed
    assert (("GUARD-004", Level.WARN) not in heard) == held


@pytest.mark.law("GUARD-004")
@given(ratio=st.floats(0.01, 1e4), armed=st.booleans())
def test_an_fm_loss_a_hundred_times_worse_than_nothing_halts(ratio, armed):
    """The FM part alone decides on a halt, and a disarmed guard warns instead."""
    guard = DivergenceGuard(1e9, 1e9 if armed else None, START)
    heard = alarms(guard, RawLosses(START.total, flow=ratio * START.flow))
    expected = {("GUARD-004", Level.HALT if armed else Level.WARN)} if ratio > 100 else set()
    assert heard == expected


@pytest.mark.law("GUARD-004")
@pytest.mark.parametrize("name", ["failed_225", "recommended", "phase4c", "smoke"])
def test_the_anchor_of_x_prediction_is_the_quadrature(name):
    """Quasi-random times give E[1/max(t, t_min)^2] of FM samples to 0.1 % of its quadrature."""
    config = load_config([name])
    times = config.time_sampling
    floor = max(times.t_min, config.meanflow.t_min)
    expected = LogitNormalPair(times.mu, times.sigma).inverse_square(floor)
    sampled = LogitNormalPair(times.mu, times.sigma).mean_over_t(
        lambda t: 1 / max(t, times.t_min, config.meanflow.t_min) ** 2
    )
    assert expected == pytest.approx(sampled, rel=1e-6)
    # Where the clamp is above the sampler's floor the zero predictor keeps part of the noise: no closed form here.
    if times.t_min >= config.meanflow.t_min:
        assert anchor(config).flow == pytest.approx(expected, rel=1e-3)


@pytest.mark.law("GUARD-004")
def test_the_anchor_takes_the_second_times_own_distribution():
    """Where r is drawn around -4, E[1/max(t, t_min)^2] is that of the larger of the unlike pair."""
    unlike = ["time_sampling.mu=-0.6", "time_sampling.sigma=1.6", "time_sampling.r_mu=-4.0"]
    config = load_config(["recommended"], [*unlike, "time_sampling.r_sigma=1.2"])
    expected = LogitNormalPair(-0.6, 1.6, -4.0, 1.2).inverse_square(0.05)
    assert expected > 1.5 * LogitNormalPair(-0.6, 1.6).inverse_square(0.05)
    assert anchor(config).flow == pytest.approx(expected, rel=1e-3)


@pytest.mark.law("GUARD-004")
def test_the_failed_runs_anchor_is_its_quadrature():
    """Four channels in two terms, at the clamp of its configuration."""
    assert pytest.approx(8 * LogitNormalPair(-0.4, 1.0).inverse_square(0.05), rel=1e-5) == FAILED_RUN_START


@pytest.mark.law("GUARD-004")
def test_the_anchor_of_u_prediction_is_the_variance_of_the_velocity():
    """A zero u leaves |e - x|^2, which is 2 per dim on latents of unit variance, and twice that in two terms."""
    base = ["meanflow.prediction=u", "meanflow.tangent=conditional"]
    assert anchor(load_config(["recommended"], base)) == ZeroPredictorLoss(pytest.approx(2.0), pytest.approx(2.0))
    assert anchor(load_config(["recommended"], [*base, "meanflow.loss_terms=dual"])).total == pytest.approx(4.0)


@pytest.mark.law("GUARD-004")
@pytest.mark.parametrize(("interval", "told"), [("[0.0,1.0]", 0.75), ("[0.0,0.0000001]", 0.0)])
def test_the_anchor_of_a_guided_run_is_that_of_its_samples(interval, told):
    """A zero u leaves omega^2 times as much where samples are told and guided, and as much as ever elsewhere."""
    base = [
        "meanflow.prediction=u", "meanflow.tangent=conditional", 'covariates.columns=["age=20..90"]',
        "covariates.dropout=0.25", "meanflow.guidance_scale=3.0", f"meanflow.guidance_interval={interval}",
    ]  # fmt: skip
    assert anchor(load_config(["recommended"], base)).total == pytest.approx(2 * (told * 9 + (1 - told)))


def fed(tuning, logs):
    """The rule's alarms on blocks whose log losses are given."""
    rule = Cusum(tuning)
    return [rule.observe(math.exp(log)) for log in logs]


@pytest.mark.law("GUARD-005")
@given(scale=SCALES, height=st.floats(0, 2.25), seed=st.integers(0, 1000))
def test_a_loss_that_stays_below_ten_times_its_best_is_never_halted(scale, height, seed):
    """Whatever happens below the drift of ln 10, however long, adds up to nothing."""
    rises = np.random.default_rng(seed).uniform(0, height, 200)
    assert not any(fed(HALT, [math.log(scale)] * SETTLED + list(math.log(scale) + rises)))


@pytest.mark.law("GUARD-005")
@given(scale=SCALES, height=st.floats(2.4, 12.0))
def test_a_loss_above_ten_times_its_best_is_halted_by_its_excess(scale, height):
    """The alarm comes with the block whose sum the law rejects, no block adding more than 1.5."""
    heard = fed(HALT, [math.log(scale)] * SETTLED + [math.log(scale) + height] * 60)
    excess = min(height - math.log(10), 1.5)
    needed = next(n for n in range(1, 60) if not law("GUARD-005").predicate(statistic=n * excess, bound=3.0).passed)
    first = next(index for index, alarm in enumerate(heard) if alarm) - SETTLED + 1
    assert abs(first - needed) <= 1  # a sum that meets the bound to rounding
    assert heard[SETTLED + first - 1].level is Level.HALT


@pytest.mark.law("GUARD-005")
@given(first=st.floats(1e-6, 1.0))
def test_a_loss_that_is_small_before_anything_is_learnt_is_no_baseline(first):
    """The first ten blocks set no minimum: a run that starts low and settles higher is left alone."""
    logs = [math.log(first)] * 2 + [math.log(500.0)] * 100
    assert not any(fed(HALT, logs))
    assert not any(fed(WARN, logs))


@pytest.mark.law("GUARD-005")
def test_one_block_is_not_enough():
    """A single block at a million times the level warns of nothing."""
    assert not any(fed(HALT, [0.0] * SETTLED + [13.8] + [0.0] * 40))
    assert not any(fed(WARN, [0.0] * SETTLED + [13.8] + [0.0] * 40))


@pytest.mark.law("GUARD-006")
@given(flow=st.floats(1e-6, 1e6), ratio=st.floats(1e-3, 1e3))
def test_the_terms_are_warned_of_where_the_law_says(flow, ratio):
    """The guard warns exactly where MF is more than ten times FM, and never halts for it."""
    guard = DivergenceGuard(1e9, 1e9)
    heard = alarms(guard, RawLosses(1.0, flow=flow, meanflow=ratio * flow))
    held = law("GUARD-006").predicate(meanflow=ratio * flow, flow=flow).passed
    assert heard == (set() if held else {("GUARD-006", Level.WARN)})


@pytest.mark.law("GUARD-006")
def test_steps_without_a_term_say_nothing():
    """A run without FM or without MF samples has no ratio."""
    guard = DivergenceGuard(1e9, 1e9)
    assert not alarms(guard, RawLosses(1.0, flow=None, meanflow=5.0))
    assert not alarms(guard, RawLosses(1.0, flow=5.0, meanflow=None))
