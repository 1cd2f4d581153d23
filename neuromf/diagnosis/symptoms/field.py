"""Evidence in a trace's velocity field, channels and data.

The ranges are calibrated as in `symptoms/loss.py`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from neuromf_spec.laws.jvp import LARGEST_CORRECTION

from neuromf.config.schema import Config
from neuromf.diagnosis.symptoms.evidence import CalibratedRange, SignReading
from neuromf.monitor.checks.trace_summary import TraceSummary
from neuromf.monitor.guard.zero_predictor import anchor
from neuromf.readable import rounded
from neuromf.trace.average import mean
from neuromf.trace.columns import channels_in

CORRECTION = CalibratedRange(healthy=1.0, faulty=LARGEST_CORRECTION)
"""rho is at most 1 at an exact solution; law JVP-006 warns at 3."""
FIELD_RATE = CalibratedRange(healthy=4.0, faulty=7.2)
"""||du/dt|| over ||u||: 4.0 along the conditional velocity, 7.2 with a bf16 difference of step 1e-3 at time scale 1."""
CHANNEL_LEAD = CalibratedRange(healthy=2.4, faulty=70.0)
"""Loss of the leading channel over the median of the others: latents differ by 2.4, one of ten times the size by 70."""
OTHERS_CLIMB = CalibratedRange(healthy=1.4, faulty=7.6)
"""Last level of the other channels over their lowest before, as for the raw loss."""
DATA_SCALE = CalibratedRange(healthy=0.007, faulty=0.96)
"""|E x^2 - 1| of the batches, which is |mean v^2 - 2|: 0.007 in 12 steps of 16, 0.96 for latents a fifth the size."""
LEAST = 1e-6
"""Mean square of latents that are all but zero; the noise's own sampling error is larger."""
FIRST_LOSS = CalibratedRange(healthy=1.8, faulty=3.0)
"""Raw loss of step 0 over or under its closed form: 1.8 in 16 samples, 3.0 for latents with a mean of 2."""


def field_signs(config: Config, summary: TraceSummary) -> Iterator[tuple[str, SignReading]]:
    """Signs by name that follow from the rows of a trace."""
    yield from rate_signs(summary)
    yield from channel_signs(summary)
    yield from _data_signs(config, summary)


def data_square(summary: TraceSummary) -> float:
    """Mean square of the data: v is e - x with standard normal e. 1 where the rows do not say, at least `LEAST`."""
    velocity = summary.numbers("v_rms")
    return max(mean((velocity * velocity).tolist()) - 1, LEAST) if len(velocity) else 1.0


def rate_signs(summary: TraceSummary) -> Iterator[tuple[str, SignReading]]:
    """How large du/dt is beside the velocities."""
    rho, rate, size = (summary.levels(name) for name in ("rho", "dudt_rms", "u_rms"))
    if rho:
        says = f"(t - r) du/dt is {rounded(rho[-1])} times as large as u and v together"
        yield "correction", CORRECTION.place(rho[-1], says)
    if rate and size and size[-1] > 0:
        ratio = rate[-1] / size[-1]
        yield "field_rate", FIELD_RATE.place(ratio, f"du/dt is {rounded(ratio)} times u")


def channel_signs(summary: TraceSummary) -> Iterator[tuple[str, SignReading]]:
    """Whether one channel leads the loss, and whether the others climb too."""
    levels = {name: summary.levels(name) for name in channels_in(summary.columns)}
    if not all(levels.values()) or len(levels) < 2:
        return
    leader = max(levels, key=lambda name: levels[name][-1])
    others = [levels[name] for name in levels if name != leader]
    rest = statistics.median(other[-1] for other in others)
    lead = levels[leader][-1] / rest if rest > 0 else math.inf
    says = f"{leader} is {rounded(lead)} times the median of the other channels"
    yield "channel_lead", CHANNEL_LEAD.place(lead, says)
    if min(len(other) for other in others) > 1:
        climb = statistics.median(
            other[-1] / lowest if (lowest := min(other[:-1])) > 0 else math.inf for other in others
        )
        says = f"the channels other than {leader} rose too, {rounded(climb, 4)}-fold"
        yield "others_climb", OTHERS_CLIMB.place(climb, says)


def _data_signs(config: Config, summary: TraceSummary) -> Iterator[tuple[str, SignReading]]:
    if len(summary.numbers("v_rms")):
        square = data_square(summary)
        says = f"the batches' mean square is {square:.4g}, that of normalised latents 1"
        yield "data_scale", DATA_SCALE.place(abs(square - 1), says)
    total = summary.first("raw_total")
    if total is not None:
        expected = anchor(config).total
        apart = max(total / expected, expected / total) if total > 0 else math.inf
        says = f"the raw loss of step 0 is {total:.4g}, that of a zero output on normalised latents {expected:.4g}"
        yield "first_loss", FIRST_LOSS.place(apart, says)
