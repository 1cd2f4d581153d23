"""Validation against its reference: when, on what, by which numbers, and what follows from them (laws VAL-001..6)."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from neuromf_spec.laws.validation import CONFIDENCE, LEAST_GAP
from neuromf_spec.reference.validation import gap_interval, new_bests, stop_at, validation_steps
from neuromf_spec.registry import law

from neuromf.config.derived import run_facts
from neuromf.gate.static import static_findings
from neuromf.training.held_out.cost import arithmetic_share
from neuromf.training.held_out.decisions import best_row, is_best, stop_reason
from neuromf.training.held_out.draws import scan_batch
from neuromf.training.held_out.gap import gap_of
from neuromf.training.held_out.losses import scan_losses, total
from neuromf.training.held_out.record import ValidationRow
from neuromf.training.held_out.timetable import epochs_done, is_due, steps_validated, validations
from tests.support.law_strategies import BilinearModule, bilinear_reference, in_type
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
SMALL = (4, 2, 2, 2)
CUTS = st.tuples(st.integers(1, 7), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
"""Epochs, micro-batches of one, micro-batches of a step, epochs between validations."""
VALUES = st.lists(st.one_of(st.floats(0.1, 2.0), st.sampled_from([1.0, math.nan, math.inf])), min_size=1, max_size=12)


def cut_config(cut, *overrides):
    epochs, micro_batches, accumulation, every = cut
    accumulation = min(accumulation, epochs * micro_batches)
    return make_tiny_config(
        f"training.epochs={epochs}", f"training.micro_batches_per_epoch={micro_batches}",
        f"training.gradient_accumulation_steps={accumulation}", f"training.validate_every_epochs={every}", *overrides,
    )  # fmt: skip


def row_of(step, value):
    numbers = dict.fromkeys(
        ("val_fm", "val_mf", "train_total", "train_fm", "train_mf", "gap", "gap_low", "gap_high"), 1.0
    )
    return ValidationRow(epoch=step, step=step, scans=3, samples=12, val_total=value, **numbers)


def judged(values, *overrides):
    """Rows with these values, and the configuration that judges them."""
    config = make_tiny_config("training.validate_every_epochs=1", *overrides)
    return [row_of(step, value) for step, value in enumerate(values, start=1)], config


@pytest.mark.law("VAL-004")
@given(cut=CUTS)
def test_a_run_validates_at_the_end_of_every_so_many_epochs_and_of_itself(cut):
    """However steps and epochs are cut, and as often as the gate counts."""
    config = cut_config(cut)
    training, steps = config.training, run_facts(config).optimiser_steps
    expected = validation_steps(
        steps, training.micro_batches_per_epoch, training.gradient_accumulation_steps, training.validate_every_epochs
    )
    assert [step for step in range(steps) if is_due(config, step)] == expected
    assert validations(config) == len(expected)
    assert steps_validated(config, steps) == [step + 1 for step in expected]


def test_a_run_that_does_not_validate_has_none():
    """By default."""
    config = make_tiny_config()
    assert (validations(config), steps_validated(config, 6), is_due(config, 5)) == (0, [], False)


@given(cut=CUTS)
def test_the_epochs_that_are_told_never_go_beyond_those_of_the_run(cut):
    """The number in the record never goes beyond the configured ones."""
    config = cut_config(cut)
    assert epochs_done(config, run_facts(config).optimiser_steps) <= config.training.epochs
    one_step_an_epoch = cut_config((cut[0], 1, 1, cut[3]))
    assert [epochs_done(one_step_an_epoch, step) for step in range(cut[0] + 1)] == list(range(cut[0] + 1))


LOSSES_OF_SCANS = st.integers(1, 12).flatmap(
    lambda scans: st.tuples(
        *(st.lists(st.lists(st.floats(0.01, 90.0), min_size=3, max_size=3), min_size=scans, max_size=scans),) * 2
    )
)
"""Held-out and trained losses of as many scans, three samples each."""


@pytest.mark.law("VAL-005")
@given(losses=LOSSES_OF_SCANS)
def test_the_gap_has_students_interval_of_paired_ratios(losses):
    """Share and both ends agree with the reference; of fewer than four pairs there is no interval."""
    held_out, trained = map(np.array, losses)
    found = gap_of(held_out, trained)
    # Logarithms of doubles, a mean of 12 and a quantile of two libraries: at most 1e-10 of 1 + the gap; 1e-12 measured.
    expected = gap_interval(held_out, trained, CONFIDENCE)
    assert (found.share, found.low, found.high) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.law("VAL-005")
def test_a_gap_is_held_out_above_trained():
    """Its sign: scans that cost more when held out make it positive, and the law falls by it alone."""
    higher, lower = np.array([[2.0], [2.1], [1.9], [2.0]]), np.array([[1.0], [1.05], [0.95], [1.01]])
    for first, second, falls in ((higher, lower, True), (lower, higher, False)):
        gap = gap_of(first, second)
        assert law("VAL-005").predicate(gap=gap.share, gap_low=gap.low).passed is not falls


@pytest.mark.law("VAL-005")
def test_a_tail_that_both_scans_have_does_not_hide_a_gap():
    """Losses with the 1/t^2 of their common times, over four decades: twice the loss is twice the loss."""
    times = np.random.default_rng(0).uniform(0.01, 1.0, (6, 4))
    trained = np.exp(np.random.default_rng(1).normal(0, 0.1, (6, 4))) / times**2
    gap = gap_of(2 * trained, trained)
    assert (gap.share, gap.low, gap.high) == pytest.approx((1.0, 1.0, 1.0))


@pytest.mark.law("VAL-005")
@pytest.mark.parametrize("scans", [4, 6, 8, 16, 32])
@pytest.mark.parametrize("spread", [0.1, 0.25, 0.5])
def test_the_rule_seldom_calls_a_healthy_run_memorising(scans, spread):
    """Held-out and training scans of one kind, looked at 50 times: at most 1.5 % of 2,000 runs are called so.

    The logarithm of a scan's loss is normal; half of its variance is its own for the whole run, the rest wanders. 0.05
    to 0.95 % were called so; of a rate of 1 %, 1.5 % is two standard errors off.
    """
    draw = np.random.default_rng(scans)
    looks, runs = 50, 2_000
    own = draw.normal(0, 1, (runs, 1, 2, scans))
    wandering = np.cumsum(draw.normal(0, 1, (runs, looks, 2, scans)), axis=1)
    wandering /= np.sqrt(np.arange(1, looks + 1))[:, None, None]
    losses = (own + wandering) * spread / math.sqrt(2)
    apart = losses[:, :, 0] - losses[:, :, 1]
    mean, error = apart.mean(-1), apart.std(-1, ddof=1) / math.sqrt(scans)
    called = (mean > reach_of(scans) * error) & (np.expm1(mean) > LEAST_GAP)
    assert called.any(axis=1).mean() <= 0.015


def reach_of(scans):
    """Standard errors from a mean to the ends of its interval, by the reference."""
    logarithms = np.arange(scans, dtype=float)
    share, low, _ = gap_interval(np.exp(logarithms)[:, None], np.ones((scans, 1)), CONFIDENCE)
    return (math.log1p(share) - math.log1p(low)) / (logarithms.std(ddof=1) / math.sqrt(scans))


@pytest.mark.law("VAL-006")
@given(values=VALUES)
@example(values=[math.nan, 0.9, 0.7, 0.7, 0.8])
def test_the_best_is_the_lowest_so_far_and_the_first_of_equals(values):
    """After each validation; a number that is not finite is never the best."""
    rows, config = judged(values)
    bests = new_bests(values, 0.0)
    for count in range(1, len(rows) + 1):
        so_far = [place for place in bests if place < count]
        best = best_row(rows[:count], config)
        assert (best is None) == (not so_far)
        if best is not None:
            assert best is rows[so_far[-1]]
            assert law("VAL-006").predicate(kept=best.val_total, values=values[:count]).passed
        assert is_best(rows[:count], config) is (count - 1 in bests)


@pytest.mark.law("VAL-002")
@given(values=VALUES, patience=st.integers(1, 4), least=st.sampled_from([0.0, 0.01, 0.3]))
@example(values=[0.9, 1.0, 0.8, 1.0], patience=2, least=0.0)  # two in all, not in a row
@example(values=[0.9, 0.8, 0.81, 0.7, 0.75, 0.76], patience=2, least=0.2)  # small steps are no best
def test_a_run_stops_when_its_patience_has_run_out(values, patience, least):
    """At the validation that the reference names, and at none before it; in validations, whatever the epochs."""
    overrides = [f"training.early_stop_patience={patience}", f"training.early_stop_min_improvement={least}"]
    rows, config = judged(values, *overrides)
    stops = [count - 1 for count in range(1, len(rows) + 1) if stop_reason(rows[:count], config)]
    expected = stop_at(values, patience, least)
    assert stops[:1] == ([] if expected is None else [expected])


def test_without_patience_nothing_stops():
    """However long nothing improves."""
    rows, config = judged([1.0] * 50)
    assert stop_reason(rows, config) == ""


def test_the_reason_names_metric_best_and_how_long_it_waited():
    """What a user reads at the end."""
    rows, config = judged([0.9, 0.8, 0.85, 0.81], "training.early_stop_patience=2")
    assert stop_reason(rows, config) == "val_total has not improved in 2 validations; its best was 0.8 after epoch 2"


@pytest.mark.law("VAL-004")
@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("share", [0.5, 1.0, 0.0])
def test_a_scans_losses_are_those_computed_by_hand(seed, share):
    """Noise and times from Philox by hand, the bilinear net's loss by its formula, in float64."""
    config = make_tiny_config(
        f"training.seed={seed}", "meanflow.prediction=u", "meanflow.tangent=conditional",
        f"time_sampling.data_proportion={share}",
    )  # fmt: skip
    reference, place = bilinear_reference(seed, math.prod(SMALL)), 3
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal(SMALL).astype(np.float32))
    found = scan_losses(BilinearModule(reference), in_type(scan_batch(config, x, place, CPU), torch.float64), config)
    flow, meanflow = by_hand(reference, config, x.double().numpy().ravel(), place)
    expected = (flow if share > 0 else math.nan, meanflow if share < 1 else math.nan)
    # Both are in float64 but for times and noise, which the batch holds in float32: 1e-7 of a time.
    assert found.mean(1).tolist() == pytest.approx(expected, rel=1e-5, nan_ok=True)
    sums = {0.5: 0.5 * flow + 0.5 * meanflow, 1.0: flow, 0.0: meanflow}
    assert float(total(*found.mean(1), config)) == pytest.approx(sums[share], rel=1e-5)


def by_hand(reference, config, x, place):
    """Mean raw FM and MF loss of a scan over four draws, from the formulas alone."""
    losses = {True: [], False: []}
    settings = config.time_sampling
    for draw in range(4):
        bits = np.random.Philox(key=[config.training.seed, 5], counter=[0, 0, place, draw])
        generator = np.random.Generator(bits)
        e = generator.standard_normal(SMALL, dtype=np.float32).astype(float).ravel()
        normal, uniform = generator.standard_normal(2), generator.random(3)
        pair = 1 / (1 + np.exp(-(settings.mu + settings.sigma * normal)))
        for is_fm, drawn in losses.items():
            own = uniform[1:] if uniform[0] < settings.uniform_fraction and not is_fm else pair
            t = max(own.max(), settings.t_min)
            r = t if is_fm else min(own.min(), t)
            z, v = (1 - t) * x + t * e, e - x
            compound = reference.compound_velocity(z[None], np.array([r]), np.array([t]), v[None])[0]
            drawn.append(np.square(compound - v).mean())
    return np.mean(losses[True]), np.mean(losses[False])


def test_the_dual_objective_counts_the_flow_loss_twice_over():
    """Its raw total is that of the trace: the velocity term of both kinds, and the flow term of every sample."""
    config = make_tiny_config("meanflow.loss_terms=dual", "time_sampling.data_proportion=0.75")
    assert float(total(torch.tensor(2.0), torch.tensor(6.0), config)) == 0.75 * 2 + 0.25 * 6 + 2


@given(cut=CUTS, scans=st.integers(1, 64), share=st.sampled_from([0.0, 0.25, 1.0]))
def test_the_cost_is_the_share_of_validations_in_all_passes(cut, scans, share):
    """Counted sample by sample: a pass with gradient costs three, a derivative three more, a validation no gradient."""
    config = cut_config(cut, f"time_sampling.data_proportion={share}")
    facts = run_facts(config)
    samples = facts.effective_batch * facts.optimiser_steps
    trained = 3 * samples + 3 * (1 - share) * samples
    kinds = (1 if share > 0 else 0) + (4 if share < 1 else 0)
    judged_passes = 2 * scans * 4 * kinds * validations(config)
    assert arithmetic_share(config, scans) == pytest.approx(judged_passes / (judged_passes + trained))
    finding = law("VAL-003").predicate(share=arithmetic_share(config, scans))
    assert finding.passed is (judged_passes <= 0.2 * (judged_passes + trained))


def found(*overrides):
    """What the static gate says of validations, by law."""
    results = static_findings(make_tiny_config(*overrides), {})
    return {result.law_id: result for result in results if result.law_id.startswith("VAL")}


def test_a_run_that_does_not_validate_is_not_judged():
    """By none of these laws."""
    assert found() == {}


@pytest.mark.law("VAL-001")
@pytest.mark.parametrize(
    ("overrides", "status"),
    [
        ((), "info"),
        (("data.demo_subjects=16",), "pass"),
        (("data.split_ratios=[1.0,0.0,0.0]",), "block"),
        (("data.demo_subjects=16", "time_sampling.data_proportion=1.0", "training.validation_metric=val_mf"), "block"),
        (("data.demo_subjects=16", "time_sampling.data_proportion=0.0", "training.validation_metric=val_fm"), "block"),
    ],
)
def test_the_gate_asks_for_scans_and_a_loss_that_is_trained(overrides, status):
    """None is blocked, one has no interval, an untrained loss is blocked."""
    assert found("training.validate_every_epochs=1", *overrides)["VAL-001"].status == status


@pytest.mark.law("VAL-002")
@pytest.mark.parametrize(("patience", "status"), [(8, "pass"), (9, "block"), (10, "block"), (50, "block")])
def test_the_gate_refuses_a_patience_that_the_run_cannot_wear_out(patience, status):
    """Ten validations: after the ninth in a row without a best there is nothing left to stop."""
    overrides = ("training.epochs=10", "training.validate_every_epochs=1", f"training.early_stop_patience={patience}")
    result = found(*overrides)["VAL-002"]
    assert result.status == status
    if status == "block":
        assert found(*overrides, result.passing_value)["VAL-002"].status == "pass"


@pytest.mark.law("VAL-003")
def test_the_gate_tells_of_a_costly_validation():
    """A pair of scans, 40 passes, after every epoch of 24 samples, 108 passes, is 27 % of all; of 24,000 it is not."""
    costly = found("training.validate_every_epochs=1")["VAL-003"]
    assert (costly.status, costly.value) == ("info", pytest.approx(100 * 40 / (40 + 108)))
    assert (
        found("training.validate_every_epochs=1", "training.micro_batches_per_epoch=6000")["VAL-003"].status == "pass"
    )
