"""Evidence in the losses of a trace, each number between a healthy and a faulty edge.

The edges are measured: 20 healthy and 42 broken trainings on real latents of 4 x 8^3, 32 to 360 steps each, at learning
rates up to 0.1 (`tests/golden/test_trained_diagnosis.py` trains some of them again).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from neuromf_spec.laws.divergence import WARN_FACTOR
from neuromf_spec.laws.weight_regime import LEAST_SENSITIVITY

from neuromf.config.schema import Config
from neuromf.diagnosis.symptoms.evidence import CalibratedRange, SignReading, fact
from neuromf.diagnosis.symptoms.field import data_square
from neuromf.facts.objective_arguments import trained_loss
from neuromf.facts.of_config import facts_of
from neuromf.monitor.checks.trace_summary import TraceSummary
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss, anchor
from neuromf.readable import rounded

CLIMB = CalibratedRange(healthy=1.4, faulty=7.6)
"""Last level of the raw loss over its lowest before: an untrained net's batches differ by 1.4, exact derivatives at
time scale 1000 climb by 7.6."""
ABOVE_NOTHING = CalibratedRange(healthy=1.0, faulty=WARN_FACTOR)
"""Raw loss over that of predicting nothing, where a training starts; law GUARD-004 warns at 10."""
TERMS_APART = CalibratedRange(healthy=1.5, faulty=8.5)
"""Raw MF over raw FM loss: 1.5 with exact derivatives, 8.5 with a bf16 difference of step 1e-3 at time scale 1."""
FLOW_THROWN = CalibratedRange(healthy=1.1, faulty=1.7)
"""Highest level of the FM loss over that of predicting nothing: 1.1 of small batches, 1.7 at 100 times the rate."""
LEARNABLE = 0.95
"""Share of the loss of predicting nothing that a perfect model may keep; above it a loss is no evidence of learning.
0.3 for x-prediction, 0.9 for u-prediction at the drawn times."""


def loss_signs(config: Config, summary: TraceSummary, long_enough: bool) -> Iterator[tuple[str, SignReading]]:
    """Signs by name that follow from the rows of a trace.

    Args:
        config: the run.
        summary: its trace.
        long_enough: whether it has trained for long enough to have learnt something.
    """
    nothing = level_of_nothing(config, data_square(summary))
    yield from _above_signs(summary, nothing.total)
    yield from climb_signs(summary, weighted_is_shown=config.training.reported_loss == "weighted")
    yield from term_signs(summary)
    yield from _flow_signs(config, summary, nothing.flow, long_enough)


def level_of_nothing(config: Config, square: float) -> ZeroPredictorLoss:
    """The loss of predicting nothing on latents of mean square `square` (law PRED-002)."""
    level = anchor(config)
    factor = square if config.meanflow.prediction == "x" else (square + 1) / 2
    return ZeroPredictorLoss(level.total * factor, level.flow * factor)


def _above_signs(summary: TraceSummary, nothing: float) -> Iterator[tuple[str, SignReading]]:
    total = summary.levels("raw_total")
    if total:
        above = total[-1] / nothing
        says = f"the raw loss is {rounded(total[-1], 4)}, {rounded(above, 2)} times that of predicting nothing"
        yield "above_nothing", ABOVE_NOTHING.place(above, says)


def climb_signs(summary: TraceSummary, *, weighted_is_shown: bool) -> Iterator[tuple[str, SignReading]]:
    """How far the raw loss is above its best level, and whether the loss that was shown moved with it.

    Args:
        summary: the trace.
        weighted_is_shown: whether the run is watched by its weighted loss.
    """
    total = summary.levels("raw_total")
    if len(total) > 1:
        lowest = min(total[:-1])
        climb = total[-1] / lowest if lowest > 0 else math.inf
        says = f"the raw loss is {rounded(climb, 4)} times its lowest level before, {rounded(lowest, 4)}"
        yield "climb", CLIMB.place(climb, says)
        if climb > CLIMB.healthy and weighted_is_shown:
            yield from _blind(summary, climb)


def _blind(summary: TraceSummary, climb: float) -> Iterator[tuple[str, SignReading]]:
    """Whether the weighted loss moved while the raw one climbed (law WGT-002)."""
    weighted = summary.levels("weighted")
    if weighted and min(weighted) > 0:
        moved = abs(math.log(weighted[-1] / weighted[0]))
        course = f"the weighted loss went from {weighted[0]:.6g} to {weighted[-1]:.6g}"
        unmoved = moved < LEAST_SENSITIVITY * math.log(climb)
        yield "blind", fact(unmoved, f"{course} while the raw loss rose {rounded(climb, 4)}-fold")


def term_signs(summary: TraceSummary) -> Iterator[tuple[str, SignReading]]:
    """How far the MF loss is above the FM loss."""
    flow, meanflow = summary.levels("raw_fm"), summary.levels("raw_mf")
    if not flow or not meanflow:
        return
    ratio = meanflow[-1] / flow[-1] if flow[-1] > 0 else math.inf
    says = f"the MF loss is {rounded(ratio)} times the FM loss"
    if len(flow) > 1 and len(meanflow) > 1:
        grown = [term[-1] / term[0] if term[0] > 0 else math.inf for term in (meanflow, flow)]
        says += f": MF {rounded(grown[0], 2)} times its start, FM {rounded(grown[1], 2)} of it"
    yield "terms_apart", TERMS_APART.place(ratio, says)


def _flow_signs(
    config: Config, summary: TraceSummary, nothing: float, long_enough: bool
) -> Iterator[tuple[str, SignReading]]:
    flow = summary.levels("raw_fm")
    if not flow:
        return
    highest = max(flow) / nothing
    says = f"the FM loss was at most {rounded(highest, 2)} times that of predicting nothing"
    yield "flow_thrown", FLOW_THROWN.place(highest, says)
    least, share = trained_loss(facts_of(config)) / anchor(config).flow, flow[-1] / nothing
    # Between what a perfect model keeps of latents that are pure noise, and an untrained net.
    if long_enough and least < LEARNABLE:
        says = f"the FM loss is {share:.2g} of that of predicting nothing"
        yield "flow_stuck", CalibratedRange(healthy=least, faulty=1.0).place(share, says)
