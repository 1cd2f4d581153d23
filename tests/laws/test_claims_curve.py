"""Claims of the review about the recorded curve, recomputed from its table (`spec/neuromf_spec/claims.toml`)."""

import math

import pytest
from neuromf_spec.claims import claims
from neuromf_spec.reference.failed_run import RECORDED_CHANNELS, recorded_curve
from neuromf_spec.reference.time_distribution import LogitNormalPair

from neuromf.monitor.guard.alarm import Level
from neuromf.monitor.guard.initial_ratio import WINDOW, InitialRatio

RECOMPUTED = {row.id: row.recomputed for row in claims()}
TOTALS = {epoch: sum(channels) for epoch, channels in RECORDED_CHANNELS.items()}
FIRST, LAST = RECORDED_CHANNELS[24], RECORDED_CHANNELS[224]


def zero_output_loss():
    """FM and MF loss of a zero output, four channels each: E[1/max(t, 0.05)^2] per voxel at unit variance."""
    return 2 * len(FIRST) * LogitNormalPair(-0.4, 1.0).inverse_square(0.05)


def test_growth_of_the_raw_loss():
    """The totals grew 4,817-fold, and 4,808-fold from a first total within the rounding of its four channels."""
    growth = TOTALS[224] / TOTALS[24]
    assert RECOMPUTED["CLAIM-01"] == f"{growth:,.0f} = {TOTALS[224]:,} / {TOTALS[24]}"
    half_units = 0.5 * len(FIRST)
    assert TOTALS[24] < TOTALS[224] / 4808 < TOTALS[24] + half_units
    assert round(growth) != 4808


def test_totals_are_the_sums_of_the_channels():
    """The four channels of the table add up to 523 and 2,519,424."""
    assert f"{TOTALS[24]:,} and {TOTALS[224]:,}" == RECOMPUTED["CLAIM-02"]


def test_ratios_of_channel_0_to_channel_3():
    """The quotients of the table's first and last channel are the ones printed."""
    ratios = [channels[0] / channels[3] for channels in RECORDED_CHANNELS.values()]
    assert ", ".join(f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}" for ratio in ratios) == RECOMPUTED["CLAIM-03"]


def test_channel_0_grew_32_times_as_much_as_channel_3():
    """Channel 0 grew 7,948-fold and channel 3 251-fold; 197 is the ratio of their last levels."""
    growth_0, growth_3 = LAST[0] / FIRST[0], LAST[3] / FIRST[3]
    expected = f"{growth_0 / growth_3:.1f} = {growth_0:,.0f} / {growth_3:.0f}; {LAST[0] / LAST[3]:.0f}"
    assert RECOMPUTED["CLAIM-04"].startswith(expected)
    assert growth_0 / growth_3 < 200 / 5
    assert math.log(growth_0) / math.log(growth_3) == pytest.approx(1.6, abs=0.05)  # the digits of the note


def test_share_of_channel_0():
    """Channel 0 is 86.4 % of the last total, which no rounding of the channels turns into 87 %."""
    assert f"{LAST[0] / TOTALS[224]:.1%}".replace("%", " %") == RECOMPUTED["CLAIM-53"]
    assert (LAST[0] + 0.5) / (TOTALS[224] - 1.5) < 0.865


def test_first_record_was_above_the_loss_of_a_zero_output():
    """The first recorded loss was 11 times that of a network which outputs zero, and every later one was higher."""
    ratios = [total / zero_output_loss() for total in TOTALS.values()]
    assert RECOMPUTED["CLAIM-39"].startswith(f"{ratios[0]:.1f} times")
    assert f" {zero_output_loss():.1f}," in RECOMPUTED["CLAIM-39"]
    assert ratios == sorted(ratios)
    assert ratios[0] > 10


def first_epochs(initial):
    """Epochs at which the review's rule first warns and halts on the recorded curve."""
    rule, spoken = InitialRatio(10.0, 100.0), {}
    for _ in range(WINDOW if initial else 0):
        rule.observe(initial)
    for epoch, loss in enumerate(recorded_curve()):
        for _ in range(WINDOW):
            alarm = rule.observe(loss)
            if alarm is not None:
                spoken.setdefault(alarm.level, epoch)
    return spoken[Level.WARN], spoken[Level.HALT]


def test_epochs_at_which_the_guard_speaks():
    """From its first record the run is halted at epoch 155, from the loss of a zero output at 113, warned at once."""
    (warned, halted), (early_warned, early_halted) = first_epochs(None), first_epochs(zero_output_loss())
    expected = f"warns at epoch {warned} and halts at {halted} from the first recorded loss, "
    assert RECOMPUTED["CLAIM-41"].startswith(expected + f"at {early_warned} and {early_halted}")
    # Between neighbouring records, so that the interpolation cannot decide more than the epoch.
    assert 10 * TOTALS[24] < TOTALS[124]
    assert TOTALS[124] < 100 * TOTALS[24] < TOTALS[199]
    assert 10 * zero_output_loss() < TOTALS[24]
    assert TOTALS[99] < 100 * zero_output_loss() < TOTALS[124]
