"""What predicates say beyond pass and fail: regimes, equivalents, severities."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.law import Severity
from neuromf_spec.laws.batch import mf_samples_per_update
from neuromf_spec.laws.ema import half_life, proportionate_decay
from neuromf_spec.laws.jvp import temporal_ratio
from neuromf_spec.laws.optimiser import second_moment_window
from neuromf_spec.laws.precision import embedding_phase, wide_enough
from neuromf_spec.laws.prediction import token_rank
from neuromf_spec.laws.schedule import warmup_share
from neuromf_spec.laws.time import clamped_share, fm_share, mean_flow_samples
from neuromf_spec.laws.time_support import flow_majority
from neuromf_spec.laws.weight_regime import informative_report, operating_point, regime, weighted_sensitivity
from neuromf_spec.laws.weighting import equivalent_norm_eps


@pytest.mark.parametrize(
    ("ratio", "name"), [(0.05, "linear"), (0.1, "partial"), (1.0, "partial"), (10.0, "partial"), (10.1, "saturated")]
)
def test_regime_is_named_by_loss_over_c(ratio, name):
    """L/c below 0.1 is linear, above 10 saturated, partial between."""
    assert regime(ratio) == name


@pytest.mark.parametrize("norm_p", [0.0, 0.5, 1.0, 2.0])
def test_sensitivity_is_the_logarithmic_slope_of_the_weighted_loss(norm_p):
    """The sensitivity is d log(weighted) / d log(L), by central difference at L/c = 3."""
    ratio, h = 3.0, 1e-5

    def weighted(x):
        return x / (x + 1) ** norm_p

    slope = (weighted(ratio * (1 + h)) - weighted(ratio * (1 - h))) / (2 * h * weighted(ratio))
    assert weighted_sensitivity(ratio, norm_p) == pytest.approx(slope, abs=1e-8)  # h^2 = 1e-10, rounding 1e-11


@pytest.mark.parametrize(
    ("reported", "norm_p", "ratio", "passed", "severity"),
    [
        ("weighted", 1.0, 9.9, True, None),
        ("weighted", 1.0, 10.1, False, None),
        ("weighted", 0.5, 1e8, True, Severity.INFO),
        ("weighted", 0.0, 1e8, True, Severity.INFO),
        ("weighted", 2.0, 5.0, False, None),
        ("objective", 1.0, 1e8, True, Severity.INFO),
        ("objective", 1.0, 1.8, True, None),
        ("objective", 2.0, 1e8, False, None),
    ],
)
def test_a_report_passes_while_it_moves_with_the_loss(reported, norm_p, ratio, passed, severity):
    """A weighted loss is refused where it stops moving, a potential only above p = 1; saturation alone informs."""
    finding = informative_report(loss=ratio, norm_eps=1.0, reported=reported, norm_p=norm_p)
    assert finding.passed == passed
    assert finding.severity == severity


def test_a_loss_that_is_nan_is_no_information():
    """A NaN loss breaks WGT-002 also where the objective is reported, and is not mere information."""
    finding = informative_report(loss=float("nan"), norm_eps=1.0, reported="objective")
    assert not finding.passed
    assert finding.severity is None


def test_both_values_of_the_review_are_saturated_when_summed():
    """Summed over 442,368 dims, norm_eps 0.01 and 1.0 leave L/c far above 10; averaged, 1.0 is an operating point."""
    for norm_eps in (0.01, 1.0):
        assert not operating_point(loss=1.8 * 442_368, norm_eps=norm_eps).passed
    assert operating_point(loss=1.8, norm_eps=1.0).passed
    assert operating_point(loss=1.8 * 442_368, norm_eps=0.01, norm_p=0.0).passed


def test_equivalent_norm_eps_is_its_own_inverse():
    """norm_eps 1.0 under mean is 442,368 under sum, and back."""
    assert equivalent_norm_eps("mean", 1.0, 442_368) == 442_368
    assert equivalent_norm_eps("sum", 442_368, 442_368) == 1.0


@pytest.mark.law("LR-003")
@pytest.mark.parametrize(
    ("warmup", "passed", "severity"),
    [
        (187, True, None),
        (200, False, Severity.INFO),
        (562, False, Severity.INFO),
        (563, False, Severity.WARN),
        (1_875, False, Severity.WARN),
        (1_876, False, Severity.BLOCK),
    ],
)
def test_a_warmup_is_told_then_warned_of_then_blocked(warmup, passed, severity):
    """Of 1,875 steps 187 pass, 200 are told, 563, above 30 %, warn, and 1,876 never reach the rate and block."""
    finding = warmup_share(warmup_steps=warmup, optimiser_steps=1_875)
    assert (finding.passed, finding.severity) == (passed, severity)


def test_half_lives_of_the_review():
    """0.999, 0.9995 and 0.9999 have half-lives of 693, 1,386 and 6,931 steps."""
    assert [round(half_life(decay)) for decay in (0.999, 0.9995, 0.9999)] == [693, 1386, 6931]


@pytest.mark.parametrize("steps", [1, 2, 10, 400, 1_875, 15_000, 10**7])
def test_suggested_decay_passes_for_any_run(steps):
    """The decay that a failed finding suggests passes for a run of that length."""
    suggestion = proportionate_decay(decay=1 - 1e-9, optimiser_steps=steps).passing_value
    decay = float(suggestion.removeprefix("ema.decay="))
    assert proportionate_decay(decay=decay, optimiser_steps=steps).passed


def test_suggested_accumulation_is_the_smallest_at_a_quarter_of_mf_samples():
    """At data_proportion 0.75 the suggested accumulation, the review's 4, passes and 3 does not."""
    arguments = {"batch_size_per_gpu": 8, "gpus": 2, "data_proportion": 0.75}
    finding = mf_samples_per_update(**arguments, gradient_accumulation_steps=1)
    needed = int(finding.passing_value.removeprefix("training.gradient_accumulation_steps="))
    assert needed == 4
    assert mf_samples_per_update(**arguments, gradient_accumulation_steps=needed).passed
    assert not mf_samples_per_update(**arguments, gradient_accumulation_steps=needed - 1).passed


@pytest.mark.law("TIME-007")
def test_a_run_without_mf_samples_is_refused_by_a_law_of_its_own():
    """At data_proportion 1 TIME-007 falls and names the share as the remedy; BATCH-001 has nothing to say."""
    batch = mf_samples_per_update(batch_size_per_gpu=8, gpus=2, gradient_accumulation_steps=8, data_proportion=1.0)
    share = mean_flow_samples(share=0.0)
    assert batch.passed
    assert not share.passed
    assert share.passing_value == "time_sampling.data_proportion=0.75"
    assert not mean_flow_samples(share=float("nan")).passed


@pytest.mark.law("BATCH-001")
@pytest.mark.parametrize(
    ("samples", "passed", "severity"),
    [(3, False, None), (4, False, Severity.INFO), (15, False, Severity.INFO), (16, True, None)],
)
def test_few_mf_samples_are_told_and_very_few_warned_of(samples, passed, severity):
    """16 MF samples pass, 4 to 15 are told, for a model was published with 7.2; fewer have the law's own severity."""
    finding = mf_samples_per_update(
        batch_size_per_gpu=2 * samples, gpus=1, gradient_accumulation_steps=1, data_proportion=0.5
    )
    assert (finding.passed, finding.severity) == (passed, severity)


@pytest.mark.law("EMA-002")
@pytest.mark.parametrize(
    ("decay", "steps", "passed", "severity"),
    [
        (0.9999, 1_200_000, True, None),
        (0.99, 100_000, False, Severity.INFO),
        (0.9999, 6_000, False, None),
    ],
)
def test_a_short_average_is_told_and_a_long_one_is_warned_of(decay, steps, passed, severity):
    """The official 0.58 % passes; 0.07 % of the run averages little and is told; 115 % keeps the untrained weights."""
    finding = proportionate_decay(decay=decay, optimiser_steps=steps)
    assert (finding.passed, finding.severity) == (passed, severity)


@pytest.mark.law("OPT-001")
@pytest.mark.parametrize(
    ("beta2", "steps", "passed", "severity"),
    [(0.95, 400, True, None), (0.999, 6_750, False, Severity.INFO), (0.999, 999, False, Severity.WARN)],
)
def test_a_window_longer_than_the_run_is_warned_of(beta2, steps, passed, severity):
    """5 % of the run pass, the lost run's 15 % are told, and a window longer than the run is warned of."""
    finding = second_moment_window(beta1=0.9, beta2=beta2, optimiser_steps=steps)
    assert (finding.passed, finding.severity) == (passed, severity)


@pytest.mark.law("JVP-005")
@pytest.mark.parametrize(
    ("scale", "method", "soft", "passed", "severity"),
    [
        (10.0, "exact", (), True, None),
        (100.0, "exact", (), True, Severity.INFO),
        (222.0, "exact", (), True, Severity.INFO),
        (223.0, "exact", (), False, Severity.WARN),
        (1000.0, "exact", ("a clipped tangent",), False, Severity.INFO),
        (1000.0, "finite_difference", ("a clipped tangent",), False, Severity.BLOCK),
        (float("nan"), "exact", (), False, Severity.WARN),
    ],
)
def test_a_fast_time_embedding_is_graded(scale, method, soft, passed, severity):
    """An exact derivative at a large scale warns, softened it informs, and a finite difference there blocks."""
    finding = temporal_ratio(time_scale=scale, method=method, softened_by=soft)
    assert (finding.passed, finding.severity) == (passed, severity)


@pytest.mark.law("TIME-004")
@pytest.mark.parametrize(
    ("share", "passed", "severity"),
    [
        (0.0, True, None),
        (3e-5, True, Severity.INFO),
        (0.01, True, Severity.INFO),
        (0.011, False, Severity.WARN),
        (0.11, False, Severity.BLOCK),
        (float("nan"), False, Severity.BLOCK),
    ],
)
def test_samples_below_the_clamp_are_judged_by_their_share(share, passed, severity):
    """The lost run's 3e-5 is told, above 1 % is warned of and above 10 % blocks; a u-prediction has no 1/t."""
    arguments = {"share": share, "clamp_t_min": 0.05, "sampler_t_min": 0.001}
    finding = clamped_share(**arguments, prediction="x")
    assert (finding.passed, finding.severity) == (passed, severity)
    assert clamped_share(**arguments, prediction="u").passed


@pytest.mark.law("PREC-001")
@pytest.mark.parametrize(
    ("derivative", "loss", "passed", "severity"),
    [
        ("float32", "float32", True, None),
        (None, "float32", True, None),
        ("bfloat16", "float32", False, Severity.INFO),
        ("float16", "float32", False, Severity.WARN),
        ("float32", "bfloat16", False, None),
        ("bfloat16", "float16", False, None),
    ],
)
def test_a_narrow_loss_blocks_and_a_narrow_derivative_is_graded(derivative, loss, passed, severity):
    """bf16 in an exact derivative is told, float16 warned of; a loss in either breaks the law with its own severity."""
    finding = wide_enough(derivative=derivative, loss=loss)
    assert (finding.passed, finding.severity) == (passed, severity)


@pytest.mark.law("PREC-002")
@pytest.mark.parametrize(
    ("scale", "precision", "passed", "severity"),
    [
        (1000.0, "fp32", True, None),
        (1.0, "bf16", True, None),
        (100.0, "bf16", False, Severity.WARN),
        (1000.0, "bf16", False, Severity.BLOCK),
        (1000.0, "fp16", False, Severity.WARN),
    ],
)
def test_an_embedding_is_judged_by_its_phase(scale, precision, passed, severity):
    """bf16 turns the fastest component of scale 1000 by 3.9 rad, float16 by 0.5, and float32 by 6e-5."""
    finding = embedding_phase(time_scale=scale, precision=precision)
    assert (finding.passed, finding.severity) == (passed, severity)


@pytest.mark.law("PRED-003")
@pytest.mark.parametrize(
    ("prediction", "dims", "passed", "severity"),
    [
        ("u", 384, True, None),
        ("u", 385, False, Severity.WARN),
        ("u", 769, False, Severity.BLOCK),
        ("x", 3_072, True, None),
    ],
)
def test_a_token_must_carry_the_noise_that_a_velocity_holds(prediction, dims, passed, severity):
    """From 768 features half as many numbers pass, more are warned of, and more than 768 cannot be put out."""
    finding = token_rank(prediction=prediction, token_dims=dims, token_width=768)
    assert (finding.passed, finding.severity) == (passed, severity)


@given(epochs=st.integers(1, 300), per_epoch=st.integers(1, 100), accumulated=st.integers(1, 16))
def test_unused_micro_batches_are_reported_with_a_remedy(epochs, per_epoch, accumulated):
    """Left over at the end of a run, they inform; either of the two values that are named leaves none."""
    finding = mf_samples_per_update(
        batch_size_per_gpu=64, gpus=1, gradient_accumulation_steps=accumulated, data_proportion=0.5,
        run=(epochs, per_epoch),
    )  # fmt: skip
    left = epochs * per_epoch % accumulated
    assert finding.passed
    assert finding.severity == (Severity.INFO if left else None)
    assert ("train nothing" in finding.detail) is bool(left)
    if left:
        assert f"the last {left} of {epochs * per_epoch:,} micro-batches" in finding.detail
        more_epochs, larger = (int(number) for number in re.findall(r"epoch(?:s)?=(\d+)", finding.detail))
        assert more_epochs * per_epoch % accumulated == epochs * larger % accumulated == 0
        assert more_epochs >= epochs
        assert larger >= per_epoch


@pytest.mark.parametrize("steps", [1, 19, 20, 140, 160, 399, 400, 10**6])
def test_suggested_beta2_passes_or_none_is_suggested(steps):
    """What OPT-001 suggests is rounded so that it passes; below 20 updates no beta2 does, and none is named."""
    finding = second_moment_window(beta1=0.9, beta2=0.9999999, optimiser_steps=steps)
    assert bool(finding.passing_value) is (steps >= 20)
    if finding.passing_value:
        beta2 = float(finding.passing_value.removeprefix("training.beta2="))
        assert second_moment_window(beta1=0.9, beta2=beta2, optimiser_steps=steps).passed


def test_an_update_too_small_for_both_kinds_is_refused():
    """Two samples cannot be FM to 75 %, four can."""
    assert not fm_share(fm_samples=1, samples=2, data_proportion=0.75).passed
    assert fm_share(fm_samples=3, samples=4, data_proportion=0.75).passed


@pytest.mark.parametrize(("dims", "passed"), [(3_072, True), (4_096, False), (442_368, False)])
def test_fm_majority_is_asked_of_image_sized_latents(dims, passed):
    """A quarter of FM samples passes at CIFAR's 3,072 dims, where it is published, and not at ImageNet's 4,096."""
    assert flow_majority(data_proportion=0.25, latent_dims=dims).passed == passed
