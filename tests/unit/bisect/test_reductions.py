"""The reductions on oracles that do not err, and the oracle's error rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.bisect.hypotheses import contains, members
from neuromf.bisect.oracle import Observation, ProbeOutcome, ProbeVerdict
from neuromf.bisect.posterior import Rates
from neuromf.bisect.reductions import Reduced, ddmin, drive, majority, one_at_a_time, quickxplain, reduce_breaking
from neuromf.bisect.session import calibrate, calibration_probes
from neuromf.errors import InputError
from tools.studies.bisect_simulation.simulated import SimulatedOracle

FULL = 0xFFF


@pytest.mark.parametrize("reduction", [ddmin, quickxplain, one_at_a_time])
@given(cause=st.integers(1, FULL))
def test_a_reduction_finds_the_cause(reduction, cause):
    """Any non-empty cause among twelve deltas, in at most n^2 + 3n questions (Zeller, proposition 12)."""
    asked = []

    def answer(subset):
        asked.append(subset)
        return contains(subset, cause)

    assert drive(reduction(FULL), answer) == cause
    assert len(asked) <= 12 * 12 + 36


@pytest.mark.parametrize("reduction", [ddmin, quickxplain, one_at_a_time])
@given(causes=st.lists(st.integers(1, FULL), min_size=2, max_size=3))
def test_what_a_reduction_ends_with_is_minimal(reduction, causes):
    """With several causes: it breaks, and without any of its deltas it does not."""

    def answer(subset):
        return any(contains(subset, cause) for cause in causes)

    named = drive(reduction(FULL), answer)
    assert answer(named)
    assert not any(answer(named & ~(1 << i)) for i in members(named))


@given(st.integers(1, FULL), st.integers(0, 60))
def test_a_reduction_waits_for_the_first_unknown_answer(cause, known):
    """Given the first answers alone, it asks what the undisturbed one asks next."""
    asked = []

    def answer(subset):
        asked.append(subset)
        return contains(subset, cause)

    assert reduce_breaking(FULL, answer).causes == (cause,)
    order = list(dict.fromkeys(asked))
    have = set(order[:known])
    reduced = reduce_breaking(FULL, lambda s: contains(s, cause) if s in have else None)
    assert reduced.asked == (order[known] if known < len(order) else None)


def test_what_does_not_break_is_not_reduced():
    """A universe without a cause ends the reduction with none."""
    assert reduce_breaking(FULL, lambda _: False) == Reduced(None, ())


@pytest.mark.parametrize(("answers", "says"), [("TT", True), ("TFT", True), ("FF", False), ("TFF", False)])
def test_the_majority_of_three_counts(answers, says):
    """Two that agree settle it; no third is asked then."""
    left = list(answers)
    assert majority(lambda _: left.pop(0) == "T", 3)(0) is says
    assert left == []


def test_the_simulated_oracle_errs_as_often_as_it_says():
    """Of 4,000 runs each, within five standard errors; and its answer depends on the probe alone."""
    oracle = SimulatedOracle(causes=(0b11,), rates=Rates(0.10, 0.05), seed=1)
    for subset, rate in ((0b111, 0.90), (0b101, 0.05)):
        share = sum(oracle.breaks(subset, seed) for seed in range(4000)) / 4000
        assert share == pytest.approx(rate, abs=5 * (rate * (1 - rate) / 4000) ** 0.5)
    assert [oracle.breaks(3, 9) for _ in range(5)] == [oracle.breaks(3, 9)] * 5


def ends(good, bad):
    """Calibration with these verdicts of the good and the bad end."""
    verdicts = {"B": ProbeVerdict.BROKEN, "H": ProbeVerdict.HEALTHY, "U": ProbeVerdict.UNDECIDED}
    letters = [letter for pair in zip(good, bad, strict=True) for letter in pair]
    probes = calibration_probes(FULL, 0, len(good))
    return [Observation(p, ProbeOutcome(verdicts[letter])) for p, letter in zip(probes, letters, strict=True)]


def test_error_rates_are_the_mean_of_jeffreys_posterior():
    """No error in five leaves 0.5 / 6, one in five 1.5 / 6; undecided runs are left out."""
    assert calibrate(ends("HHHHH", "BBBBB"), FULL) == Rates(0.5 / 6, 0.5 / 6)
    assert calibrate(ends("HHHHH", "BBHBB"), FULL) == Rates(1.5 / 6, 0.5 / 6)
    assert calibrate(ends("HHHHU", "BBBBU"), FULL) == Rates(0.1, 0.1)


@pytest.mark.parametrize(("good", "bad"), [("HHHHH", "HHHHH"), ("BHHHH", "HBBBB"), ("BBBBB", "BBBBB"), ("HH", "BB")])
def test_ends_that_do_not_separate_are_refused(good, bad):
    """4 of 5 against 1 of 5 is no difference to build on (p = 0.10)."""
    with pytest.raises(InputError, match="do not separate"):
        calibrate(ends(good, bad), FULL)


def test_three_runs_of_each_end_are_enough():
    """3 of 3 against 0 of 3 has p = 1 in 20, the bound itself, whichever way it is rounded."""
    assert calibrate(ends("HHH", "BBB"), FULL) == Rates(0.125, 0.125)


def test_an_end_without_a_decided_run_is_refused():
    """Five undecided runs are named as such."""
    with pytest.raises(InputError, match="no run of the bad end was decided"):
        calibrate(ends("HHHHH", "UUUUU"), FULL)
