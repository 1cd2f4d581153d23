"""The laws on samples, on populations that are known: what memorises, collapses or leaves its range is called so."""

import numpy as np
import pytest
from neuromf_spec.laws.evaluation import LEAST_SUBJECTS
from neuromf_spec.registry import law

from neuromf.evaluation.metrics.bootstrap import Interval
from neuromf.evaluation.result import Judged
from neuromf.evaluation.rows import measure
from neuromf.evaluation.verdicts import exactly, judge, judge_samples
from tests.support.planted_samples import FRESH, HELD_OUT, TRAINING, described_noise, material_of, parts_of

COUNT = len(FRESH)


def verdicts(samples, many=None, held_out=HELD_OUT, subjects=None):
    """By law, of latents of one step, and of many where they are others."""
    material = material_of({1: samples, 10: samples if many is None else many}, held_out, subjects)
    measured = measure(material, parts_of(TRAINING), seed=0)
    return {verdict.law_id: verdict for verdict in judge_samples(material, measured, 0)}


def judged(*given, **named):
    return {law_id: verdict.judged for law_id, verdict in verdicts(*given, **named).items()}


@pytest.mark.law("EVAL-001")
@pytest.mark.law("EVAL-002")
@pytest.mark.law("EVAL-003")
@pytest.mark.law("EVAL-004")
def test_fresh_samples_of_the_right_distribution_break_no_law():
    """The samples that no training can surpass."""
    assert set(judged(FRESH).values()) == {Judged.HOLDS}


@pytest.mark.law("EVAL-001")
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e3])
def test_a_value_out_of_range_is_named(value):
    """A single one among all samples."""
    samples = FRESH.copy()
    samples[5, 17] = value
    assert judged(samples, many=FRESH)["EVAL-001"] is Judged.BROKEN


@pytest.mark.law("EVAL-002")
def test_one_step_that_gives_the_mean_falls_behind():
    """What a flow-matching net, which knows no average velocity, gives in one step."""
    mean = np.repeat(TRAINING.mean(0, keepdims=True), COUNT, axis=0)
    found = judged(mean + 0.05 * FRESH, many=FRESH)
    assert found["EVAL-002"] is Judged.BROKEN


@pytest.mark.law("EVAL-002")
def test_one_step_that_is_as_good_as_many_keeps_up():
    """Two draws of one distribution, whichever lies nearer by chance."""
    assert judged(FRESH, many=np.roll(FRESH, 1, axis=1))["EVAL-002"] is Judged.HOLDS


@pytest.mark.law("EVAL-003")
@pytest.mark.parametrize("modes", [1, 4, 10])
def test_a_collapse_to_few_modes_is_called_so(modes):
    """One head, four or ten, each again and again with a little noise."""
    noise = np.random.default_rng(1).standard_normal(FRESH.shape).astype(np.float32)
    samples = FRESH[np.arange(COUNT) % modes] + 0.02 * noise
    found = judged(samples)
    assert found["EVAL-003"] is Judged.BROKEN
    assert found["EVAL-004"] is Judged.HOLDS


@pytest.mark.law("EVAL-004")
def test_training_scans_with_noise_are_called_copies():
    """A run that memorised, whose samples differ as much as scans do."""
    noise = np.random.default_rng(2).standard_normal(FRESH.shape).astype(np.float32)
    found = judged(TRAINING[:COUNT] + 0.1 * noise)
    assert found["EVAL-004"] is Judged.BROKEN
    assert found["EVAL-003"] is Judged.HOLDS


@pytest.mark.law("EVAL-004")
def test_a_few_copies_are_called_so():
    """Three among samples that are none."""
    samples = FRESH.copy()
    samples[:3] = TRAINING[[2, 5, 11]]
    found = verdicts(samples)["EVAL-004"]
    assert found.judged is Judged.BROKEN
    assert "copies" in found.found


@pytest.mark.law("EVAL-004")
def test_copies_in_many_evaluations_are_called_so():
    """A small model memorises there first; samples in one evaluation are fresh."""
    found = verdicts(FRESH, many=TRAINING[:COUNT] + 0.1 * np.roll(FRESH, 1, axis=0))["EVAL-004"]
    assert (found.judged, found.evaluations) == (Judged.BROKEN, 10)


@pytest.mark.law("EVAL-004")
def test_blurred_samples_are_no_copies():
    """They lie nearer to every scan."""
    assert judged(0.6 * FRESH)["EVAL-004"] is Judged.HOLDS


@pytest.mark.law("EVAL-004")
def test_few_subjects_give_no_verdict_on_what_compares_with_them():
    """Range alone needs none."""
    few = HELD_OUT[: LEAST_SUBJECTS - 1]
    found = judged(FRESH, held_out=few)
    assert found.pop("EVAL-001") is Judged.HOLDS
    assert set(found.values()) == {Judged.CANNOT_TELL}


@pytest.mark.law("EVAL-004")
def test_many_scans_of_few_subjects_are_few():
    """The subject is the unit."""
    subjects = [f"head {row % (LEAST_SUBJECTS - 1)}" for row in range(len(HELD_OUT))]
    assert judged(FRESH, subjects=subjects)["EVAL-004"] is Judged.CANNOT_TELL


@pytest.mark.law("EVAL-003")
def test_not_a_number_breaks_every_law():
    """Written so that NaN fails."""
    for law_id in ("EVAL-001", "EVAL-002", "EVAL-003", "EVAL-004"):
        entry = law(law_id)
        for name in entry.example:
            if name != "not_finite":
                assert not entry.predicate(**{**entry.example, name: float("nan")}).passed, (law_id, name)


@pytest.mark.parametrize(
    ("law_id", "name", "good", "bad"),
    [
        pytest.param("EVAL-002", "ratio", (0.9, 1.1), (1.7, 1.9), marks=pytest.mark.law("EVAL-002")),
        pytest.param("EVAL-003", "diversity", (0.8, 1.2), (0.0, 0.05), marks=pytest.mark.law("EVAL-003")),
        pytest.param("EVAL-003", "spread", (0.8, 1.2), (0.0, 0.1), marks=pytest.mark.law("EVAL-003")),
        pytest.param("EVAL-004", "nearness", (0.9, 1.1), (0.1, 0.3), marks=pytest.mark.law("EVAL-004")),
    ],
)
def test_a_bound_within_the_interval_leaves_it_open(law_id, name, good, bad):
    """Broken where both ends break it, whichever way is good, and held where neither does."""
    others = {key: exactly(value) for key, value in law(law_id).example.items()}
    high = {"diversity", "spread", "nearness"}
    ends = {Judged.HOLDS: good, Judged.BROKEN: bad, Judged.CANNOT_TELL: (min(good + bad), max(good + bad))}
    for expected, (low, top) in ends.items():
        numbers = {**others, name: Interval((low + top) / 2, low, top)}
        assert judge(law_id, numbers, 1, good_high=high, subjects=LEAST_SUBJECTS).judged is expected


def test_what_is_described_is_as_large_as_the_population():
    """A support function's own check."""
    assert len(described_noise(FRESH)) == COUNT
