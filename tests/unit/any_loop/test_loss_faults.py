"""Each thing that can go wrong with a loss, shown to the guard alone; without its rule nothing is said."""

import math
import random

import pytest

from neuromf.any_loop.guard import Guard
from neuromf.errors import InputError
from neuromf.monitor.guard.alarm import Level

NOISE = 0.05
"""Standard deviation of the logarithm of the losses below."""


def losses(levels, seed=0):
    draw = random.Random(seed)
    return [level * math.exp(NOISE * draw.gauss(0, 1)) for level in levels]


def first_of(steps, law, guard=None, **told):
    """Number of the step at which a law or rule is first heard, and its alarm; None for never."""
    guard = guard or Guard()
    for place, loss in enumerate(steps):
        verdict = guard.step(loss, **{name: values[place] for name, values in told.items()})
        for alarm in verdict.fresh:
            if alarm.law == law:
                return place, alarm, verdict
    return None


FALL = [1 + 3 * 0.98**step for step in range(400)]


def test_a_loss_that_falls_and_rests_is_left_alone():
    """Without and with all that the guard may be told."""
    assert [v for loss in losses(FALL) if (v := Guard(nothing=5.0).step(loss, grad_norm=1.0)).alarms] == []
    guard = Guard(nothing=5.0)
    assert not any(guard.step(loss, grad_norm=1.0).alarms for loss in losses(FALL))


@pytest.mark.law("NUM-001")
@pytest.mark.parametrize("name", ["loss", "raw_loss", "grad_norm"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_stops_at_its_step(name, value):
    """Before the step is applied (law NUM-001)."""
    guard = Guard()
    assert not guard.step(loss=1.0, raw_loss=2.0, grad_norm=3.0).alarms
    verdict = guard.step(**{"loss": 1.0, "raw_loss": 2.0, "grad_norm": 3.0, name: value})
    assert verdict.stop
    assert (verdict.step, verdict.laws, verdict.level) == (1, ("NUM-001",), Level.NONFINITE)
    assert str(value) in verdict.message


def test_a_loss_a_hundred_times_its_start_stops():
    """As soon as the median of ten steps is so high, with a warning on the way (law GUARD-001)."""
    guard = Guard()
    said = [guard.step(loss) for loss in losses([1.0] * 20 + [150.0] * 20)]
    first = next(verdict for verdict in said if verdict.stop)
    assert 24 <= first.step <= 26
    assert first.laws == ("GUARD-001",)
    assert next(verdict.step for verdict in said if verdict.alarms) == 24


def test_a_slow_climb_stops_before_it_is_a_hundredfold():
    """Ten times the best level, and on from there (law GUARD-005)."""
    climb = [1.0] * 400 + [1.006**step for step in range(800)]
    place, alarm, verdict = first_of(losses(climb), "GUARD-005")
    assert (alarm.level, verdict.stop) == (Level.WARN, False)
    assert climb[place] < 20
    guard = Guard()
    stop = next(place for place, loss in enumerate(losses(climb)) if guard.step(loss).stop)
    assert climb[stop] < 100


def test_a_loss_above_that_of_predicting_nothing_warns_then_stops():
    """Where it is known: ten times is a warning, a hundred times a stop, whatever the start was (law GUARD-004)."""
    steps = losses([40.0] * 60 + [400.0] * 60)
    warned = first_of(steps, "GUARD-004", Guard(nothing=2.0))
    assert (warned[0], warned[1].level) == (29, Level.WARN)
    guard = Guard(nothing=2.0)
    stops = [place for place, loss in enumerate(steps) if any(
        alarm.law == "GUARD-004" and alarm.level is Level.HALT for alarm in guard.step(loss).alarms)]  # fmt: skip
    assert stops[0] == 89
    assert first_of(steps[:60], "GUARD-004") is None


def test_meanflow_terms_that_part_are_told():
    """The MF loss ten times the FM loss (law GUARD-006)."""
    count = 60
    found = first_of([1.0] * count, "GUARD-006", raw_fm=[0.1] * count, raw_mf=[1.9] * count)
    assert found[0] == 29
    assert first_of([1.0] * count, "GUARD-006", raw_fm=[0.9] * count, raw_mf=[1.1] * count) is None


@pytest.mark.law("WGT-002")
def test_a_shown_loss_that_cannot_move_is_told():
    """L / (L + c) reads 1 while L grows (law WGT-002)."""
    raw = losses([5 * 1.01**step for step in range(300)])
    place, alarm, _ = first_of([value / (value + 0.01) for value in raw], "WGT-002", raw_loss=raw)
    assert place < 150
    assert "the raw loss moved" in alarm.message
    assert first_of([math.log1p(value / 0.01) for value in raw], "WGT-002", raw_loss=raw) is None


def test_a_plateau_is_told_where_patience_is_given():
    """And only there, for every good run ends in one."""
    steps = losses([3.0] * 30 + [1.0] * 600)
    assert first_of(steps, "plateau") is None
    place, alarm, _ = first_of(steps, "plateau", Guard(patience=200))
    assert 230 <= place <= 330
    assert "no better level" in alarm.message


def test_a_loss_that_stays_at_that_of_predicting_nothing_is_told():
    """After 3,000 steps."""
    place, alarm, _ = first_of(losses([2.0] * 3100), "plateau", Guard(nothing=2.0))
    assert 2999 <= place < 3030
    assert "predicting nothing" in alarm.message
    assert first_of(losses([2.0] * 100 + [1.0] * 3000), "plateau", Guard(nothing=2.0)) is None


def test_a_loss_of_the_same_bits_from_the_start_is_told():
    """Weights that no step reaches, with the same batch; one that is zero has nothing left to learn."""
    assert first_of([0.7] * 60, "frozen loss")[0] == 49
    assert first_of([0.0] * 60, "frozen loss") is None
    assert first_of([0.8] + [0.7] * 80, "frozen loss") is None


def test_a_gradient_of_zero_is_told():
    """Fifty steps in a row, with a loss that is not zero."""
    assert first_of(losses([1.0] * 80), "no gradient", grad_norm=[0.0] * 80)[0] == 49
    broken = ([0.0] * 49 + [1.0]) * 2
    assert first_of(losses([1.0] * 100), "no gradient", grad_norm=broken) is None


def test_spikes_that_gather_are_told():
    """Four in sixty steps where there were none, each back at once; the message holds the kurtosis."""
    quiet = [1.0] * 200
    gathered = [5.0 if step in (0, 13, 22, 37) else 1.0 for step in range(60)]
    place, alarm, _ = first_of(losses(quiet + gathered), "spikes")
    assert place == 200 + 38
    assert "kurtosis" in alarm.message
    assert first_of(losses([*quiet, 5.0, *quiet]), "spikes") is None


def test_spikes_that_were_there_all_along_are_usual():
    """A loss with a long tail has them from the start: the run's own rate is the measure."""
    usual = [5.0 if step % 14 == 0 else 1.0 for step in range(1200)]
    guard = Guard()
    said = [guard.step(loss) for loss in losses(usual)]
    assert not any("spikes" in verdict.laws for verdict in said[200:])


def test_a_level_that_stays_up_is_no_spike():
    """Harder data, another stage: other rules judge it."""
    assert first_of(losses([1.0] * 200 + [4.0] * 200), "spikes") is None


def test_steps_that_a_scaler_skips_are_borne_for_a_while():
    """It looks for its scale; twenty-one in a row train nothing (law NUM-001)."""
    guard = Guard()
    said = [guard.step(1.0 + step / 100, grad_norm=math.inf, skipped=True) for step in range(21)]
    assert [bool(verdict.alarms) for verdict in said] == [False] * 20 + [True]
    assert not said[-1].stop
    assert "skipped" in said[-1].message


@pytest.mark.law("GUARD-005")
def test_a_loss_below_zero_that_climbs_beyond_its_start_stops():
    """A likelihood has no ratio: its climb is measured by its own fall (law GUARD-005)."""
    draw = random.Random(0)
    falls = [3 - 5 * (1 - 0.99**step) + 0.1 * draw.gauss(0, 1) for step in range(600)]
    assert first_of(falls, "GUARD-005") is None
    _, alarm, verdict = first_of([*falls, *[5_000.0] * 60], "GUARD-005")
    assert alarm.level is Level.HALT
    assert verdict.stop
    assert first_of([*falls, *[100.0] * 60], "GUARD-005")[1].level is Level.WARN


@pytest.mark.law("GUARD-005")
def test_a_fit_without_remainder_may_tremble():
    """From a billionth of its start and less to a ten-thousandth and back."""
    draw = random.Random(0)
    steps = [0.97**step for step in range(900)] + [10 ** draw.uniform(-7, -4) for _ in range(600)]
    assert first_of(steps, "GUARD-005") is None


def test_a_step_that_does_not_repeat_is_told_with_the_alarm():
    """Asked where something new is wrong: is it the mathematics, or the machine (law NUM-002)?"""
    guard = Guard()
    asked = []

    def again(value):
        asked.append(value)
        return value

    assert not guard.step(1.0, again=lambda: again(5.0)).alarms
    assert asked == []
    assert guard.step(math.nan, again=lambda: again(0.9)).laws == ("NUM-002", "NUM-001")
    other = Guard()
    assert other.step(math.nan, again=lambda: again(math.nan)).laws == ("NUM-001",)


def test_an_alarm_is_fresh_once():
    """By law and level; it stays among the alarms for as long as it holds."""
    guard = Guard(halt_ratio=None)
    said = [guard.step(loss) for loss in losses([1.0] * 20 + [50.0] * 30)]
    warned = [verdict for verdict in said if any(alarm.law == "GUARD-001" for alarm in verdict.alarms)]
    assert len(warned) > 10
    assert sum(bool(verdict.fresh) for verdict in said) == 1
    assert not any(verdict.stop for verdict in said)


def test_a_verdict_says_what_to_do():
    """Level, step, law, numbers and the law's remedy."""
    guard = Guard()
    guard.step(1.0)
    text = str(guard.step(math.nan))
    assert text.startswith("stop at step 1, NUM-001: broken: nothing advances on a non-finite number (loss nan")
    assert text.endswith("Find the first non-finite column of the trace; do not skip or replace the step.")
    assert str(Guard().step(1.0)) == "step 0: all is well"


@pytest.mark.parametrize(
    "options",
    [{"warn_ratio": 1.0}, {"warn_ratio": math.nan}, {"warn_ratio": 200.0}, {"halt_ratio": math.inf},
     {"nothing": 0.0}, {"nothing": math.nan}, {"notify": ""}, {"notify": "ftp://host/x"}],
)  # fmt: skip
def test_bounds_that_cannot_fire_are_refused(options):
    """One sentence says which."""
    with pytest.raises(InputError):
        Guard(**options)


@pytest.mark.parametrize("told", [{"loss": None}, {"loss": [1, 2]}, {"loss": "high"}, {"loss": 1.0, "lr": object()}])
def test_what_is_no_number_is_refused(told):
    """At the call, and named."""
    with pytest.raises(InputError, match=next(reversed(told))):
        Guard().step(**told)


def test_an_integer_too_large_for_a_float_is_refused_by_name():
    """In a sentence like any other thing that is no number, not by Python's own error."""
    with pytest.raises(InputError, match="grad_norm: is too large for a number"):
        Guard().step(loss=1.0, grad_norm=10**400)


@pytest.mark.parametrize(("nothing", "after", "told"), [(2.0, 2.3, True), (2.0, 1.9, False), (None, 2.3, False)])
def test_what_was_learnt_and_is_lost_is_told(nothing, after, told):
    """Above predicting nothing again, though not by a multiple of it; from the third level on."""
    guard = Guard(nothing=nothing)
    said = [guard.step(loss) for loss in losses([1.9] * 30 + [1.2] * 120 + [after] * 210)]
    heard = {law: verdict.step for verdict in said for law in verdict.laws}
    assert ("unlearnt" in heard) == told
    first = [verdict.step for verdict in said if verdict.fresh]
    assert first == [239] * told


def test_what_was_never_learnt_is_not_lost():
    """A loss that stays at that of predicting nothing, or above it, has other rules."""
    guard = Guard(nothing=2.0)
    assert not any(guard.step(loss).alarms for loss in losses([2.1] * 400))
