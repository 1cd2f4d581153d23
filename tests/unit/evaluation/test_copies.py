"""Nearness to training scans, on populations that are known."""

import numpy as np
import pytest

from neuromf.evaluation.copies import _thinned, nearest_training, nearness
from neuromf.evaluation.metrics.bootstrap import single_units

DIMS = 400
GENERATOR = np.random.default_rng(0)
TRAINING, HELD_OUT, FRESH = (GENERATOR.standard_normal((count, DIMS)).astype(np.float32) for count in (40, 20, 30))


def parts(latents, size=16):
    return ((start, latents[start : start + size]) for start in range(0, len(latents), size))


def apart(one, other):
    return np.linalg.norm(one[:, None].astype(float) - other[None], axis=2) / np.sqrt(DIMS)


def judged(samples, held_out=HELD_OUT, training=TRAINING):
    return nearness(
        nearest_training(samples, parts(training)).distance, apart(samples, held_out), apart(samples, samples),
        nearest_training(held_out, parts(training)).distance, apart(held_out, held_out),
        apart(training, training), tuple(map(single_units, (len(samples), len(held_out), len(training)))), seed=0,
    )  # fmt: skip


def test_the_nearest_training_scan_is_found_across_parts():
    """Of 40 scans read 16 at a time, as by one matrix of distances."""
    found = nearest_training(FRESH, parts(TRAINING))
    expected = apart(FRESH, TRAINING)
    np.testing.assert_allclose(found.distance, expected.min(1), rtol=1e-6)
    assert found.row.tolist() == expected.argmin(1).tolist()


def test_fresh_samples_lie_as_held_out_scans_do():
    """All ratios are about 1, and the rank test finds nothing."""
    found = judged(FRESH)
    for key in ("nearest_train", "copying", "spread"):
        assert found.measures[key].value == pytest.approx(1, abs=0.05)
    assert found.ranked > 0.01
    assert found.copies == []


def test_noisy_copies_are_found_each_with_its_row():
    """Training scans with a tenth of noise."""
    samples = TRAINING[:30] + 0.1 * FRESH
    found = judged(samples)
    assert found.measures["copying"].high < 0.2
    assert found.ranked < 1e-6
    assert found.copies == list(range(30))


def test_a_few_copies_among_fresh_samples_are_named():
    """Where the median says nothing."""
    samples = FRESH.copy()
    samples[[4, 9]] = TRAINING[[7, 3]]
    assert judged(samples).copies == [4, 9]


@pytest.mark.law("EVAL-004")
def test_blur_is_not_taken_for_copying():
    """Samples drawn together towards the mean lie nearer to training scans, and to held-out scans as much."""
    found = judged(0.5 * FRESH)
    assert found.measures["nearest_train"].value < 0.9
    assert found.measures["copying"].value == pytest.approx(1, abs=0.05)
    assert found.ranked > 0.01


def test_repeated_samples_have_no_spread():
    """Ten modes, each three times."""
    assert judged(np.repeat(FRESH[:10], 3, axis=0)).measures["spread"].high < 0.05


def test_other_scans_of_a_subject_are_no_held_out_neighbours():
    """Two nearly equal scans of each of ten heads are judged as one scan of each is."""
    twins = np.repeat(HELD_OUT[:10], 2, axis=0) + 0.01 * GENERATOR.standard_normal((20, DIMS)).astype(np.float32)
    heads = [np.array([row, row + 1]) for row in range(0, 20, 2)]
    found = nearness(
        nearest_training(FRESH, parts(TRAINING)).distance, apart(FRESH, twins), apart(FRESH, FRESH),
        nearest_training(twins, parts(TRAINING)).distance, apart(twins, twins),
        apart(TRAINING, TRAINING), (single_units(30), heads, single_units(40)), seed=0,
    )  # fmt: skip
    assert found.measures["copying"].value == pytest.approx(1, abs=0.05)


def test_thinning_gives_the_expected_nearest_of_a_random_few():
    """Of 12 points as if there were 5, by 20,000 draws of four others."""
    distances = apart(*[GENERATOR.standard_normal((12, 3))] * 2)
    others = np.delete(distances[0], 0)
    drawn = [GENERATOR.choice(others, 4, replace=False).min() for _ in range(20_000)]
    assert _thinned(distances, 5)[0] == pytest.approx(np.mean(drawn), rel=0.02)


def test_nothing_is_thinned_where_there_are_as_few():
    """The nearest other one."""
    distances = apart(*[GENERATOR.standard_normal((6, 3))] * 2)
    expected = [np.delete(row, place).min() for place, row in enumerate(distances)]
    np.testing.assert_allclose(_thinned(distances, 6), expected)
