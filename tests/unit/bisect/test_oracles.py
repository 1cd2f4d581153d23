"""The oracles: when a training is broken, healthy or neither, and what each refuses."""

import math
from dataclasses import replace

import pytest
from neuromf_spec.law import Enforcer
from neuromf_spec.registry import law

from neuromf.bisect.oracle import ProbeVerdict, Task
from neuromf.bisect.oracle_kinds import LIVE, answer, oracle_kind
from neuromf.bisect.trainings import BETWEEN, armed, block_ratio, judge_blocks, optimiser_steps
from neuromf.config.load import load_config
from neuromf.config.resolve import flat_config
from neuromf.errors import InputError
from neuromf.gate.static import CHECKS


def task(oracle, config, good=None, micro_batches=16):
    return Task(
        oracle=oracle, config=flat_config(config), good=flat_config(good or config), seed=1, micro_batches=micro_batches
    )


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([1.0], None),
        ([1.0] * 7, None),
        ([1.0] * 8, ProbeVerdict.HEALTHY),
        ([5.0] * 8, None),
        ([11.0], None),
        ([11.0, 9.0], None),
        ([11.0, 12.0], ProbeVerdict.BROKEN),
        ([math.nan, math.nan], ProbeVerdict.BROKEN),
        ([3.0] * 15, ProbeVerdict.HEALTHY),
        ([8.0] * 15, ProbeVerdict.BROKEN),
        ([BETWEEN] * 15, ProbeVerdict.UNDECIDED),
    ],
)
def test_blocks_are_judged_as_early_as_they_are_clear(ratios, verdict):
    """Two blocks beyond a bound end a training; the healthy bound counts in its second half alone."""
    assert judge_blocks(ratios, 15) is verdict


def test_a_block_without_one_of_the_terms_has_no_ratio():
    """Medians over the steps that have a value."""
    assert block_ratio([1.0, None, 3.0], [8.0, 8.0, 8.0]) == 4.0
    assert block_ratio([None], [1.0]) is None


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize("terms", [([math.nan, 1.0, 3.0], [8.0] * 3), ([1.0] * 3, [math.nan, 1.0, 1.0])])
def test_a_block_with_a_number_that_is_none_is_not_healthy(terms):
    """Sorting would leave a NaN that comes first where it is, and call the middle of the others the level."""
    assert not block_ratio(*terms) < math.inf


def test_the_guard_is_armed_whatever_the_run_says():
    """The failed run had none; a probe of it is watched by the recommended one."""
    assert armed(load_config(["failed_225"])).training.divergence_threshold == 100


def test_accumulation_takes_its_micro_batches_from_the_same_sum():
    """Every probe sees the same number of samples, and at least one update."""
    config = load_config(["phase4c"])
    assert optimiser_steps(config, 480) == 60
    assert optimiser_steps(config, 3) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("vibes", "is no oracle"),
        ("divergence:x", "takes no"),
        ("law:JVP-999", "is no law"),
        ("golden:none", "is no golden case"),
        ("metric:loss", "is no column"),
        ("metric:raw_mf:1", "is no factor"),
        ("metric:raw_mf:nan", "is no factor"),
    ],
)
def test_an_oracle_that_is_none_is_refused(name, words):
    """By one sentence that says which there are."""
    with pytest.raises(InputError, match=words):
        oracle_kind(name)


def test_a_law_judges_on_paper():
    """The failed run breaks JVP-003, the corrected one does not."""
    verdicts = [answer(task("law:JVP-003", load_config([name]))).verdict for name in ("failed_225", "phase4c")]
    assert verdicts == [ProbeVerdict.BROKEN, ProbeVerdict.HEALTHY]


@pytest.mark.parametrize(
    ("law_id", "learning_rate", "verdict"),
    [
        ("NUM-001", 1e-3, ProbeVerdict.HEALTHY),
        ("NUM-001", 1e10, ProbeVerdict.BROKEN),
        ("JVP-006", 1e3, ProbeVerdict.BROKEN),
        ("GUARD-006", 1e10, ProbeVerdict.UNDECIDED),
    ],
)
def test_a_law_that_no_paper_shows_is_judged_in_a_training(
    tiny_config, tmp_path, monkeypatch, law_id, learning_rate, verdict
):
    """Broken when its own alarm is heard; a halt for another reason says nothing of it."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path))
    training = tiny_config.training.model_copy(update={"learning_rate": learning_rate})
    outcome = answer(task(f"law:{law_id}", tiny_config.model_copy(update={"training": training})))
    assert outcome.verdict is verdict, outcome.detail


def test_every_law_of_a_training_is_a_live_one():
    """Each that the oracle takes has a runtime enforcer and no static check, which would cost nothing."""
    for law_id in LIVE:
        assert Enforcer.RUNTIME in law(law_id).enforcers
        assert law_id not in CHECKS
        assert oracle_kind(f"law:{law_id}").trains(law_id)


def test_a_metric_is_compared_with_the_good_run_of_the_same_seed(tiny_config, tmp_path, monkeypatch):
    """A run is like itself; with a hundredth of the rate its steps are smaller by more than the factor."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path))
    slow = tiny_config.model_copy(update={"training": tiny_config.training.model_copy(update={"learning_rate": 1e-5})})
    assert answer(task("metric:update_rms", tiny_config)).verdict is ProbeVerdict.HEALTHY
    assert answer(task("metric:update_rms", slow, tiny_config)).verdict is ProbeVerdict.BROKEN


def test_the_good_run_is_not_compared_with_itself(tiny_config, tmp_path, monkeypatch):
    """A reference of another seed shows the noise between seeds; with the same one no factor would be passed."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path))
    same = task("metric:raw_total:1.000001", tiny_config)
    assert answer(same).verdict is ProbeVerdict.HEALTHY
    assert answer(replace(same, reference_seed=2)).verdict is ProbeVerdict.BROKEN


def test_a_mixture_that_the_trainer_gives_up_on_is_untestable(monkeypatch):
    """An error of torch's own is no verdict, and its words are kept."""

    def fails(_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("neuromf.bisect.trainings.divergence", fails)
    outcome = answer(task("divergence", load_config(["smoke"])))
    assert (outcome.verdict, outcome.detail) == (ProbeVerdict.UNTESTABLE, "RuntimeError: out of memory")


def test_divergence_judges_a_training(tiny_config, tmp_path, monkeypatch):
    """A few healthy steps of a real training end with a verdict, and a rate of 1e6 breaks it."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path))
    wild = tiny_config.model_copy(update={"training": tiny_config.training.model_copy(update={"learning_rate": 1e6})})
    assert answer(task("divergence", wild, micro_batches=64)).verdict is ProbeVerdict.BROKEN
