"""Evidence in the updates of a trace: learning rate, weights, average, and the share of FM samples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from neuromf_spec.bounds import relative_difference
from neuromf_spec.reference.schedule import lr_multiplier
from neuromf_spec.registry import law
from numpy.typing import NDArray

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.diagnosis.symptoms.evidence import CalibratedRange, SignReading, fact
from neuromf.monitor.checks.trace_summary import TraceSummary, fm_count

WEIGHTS_THROWN = CalibratedRange(healthy=0.095, faulty=0.26)
"""Largest update over the weights: 0.095 at ten times the smoke recipe's rate, which trains, 0.26 at thirty times."""
WEIGHTS_UNMOVED = CalibratedRange(healthy=0.17, faulty=0.028)
"""Updates over the weights, added up: 0.17 in 32 healthy steps, 0.028 in 192 steps of an endless warm-up."""
SURGE = CalibratedRange(healthy=1.05, faulty=3.16)
"""Largest update over the learning rate: 1.05 while a warm-up rises, and (1 - beta1)/sqrt(1 - beta2) at the defaults of
Adam for a gradient that its second moment has not seen."""
SETTLED = 10
"""Steps of Adam's first window, in which an update is the learning rate whatever the gradient."""
KEPT_DIGITS = 1e-6
"""Relative; a trace keeps nine digits."""
AVERAGE_EXCESS = 1e-5
"""Relative; the largest of 50 trainings was 2.6e-7."""
LEAST_EXPOSURE, LEAST_SHARE = 60.0, 0.05
"""Steps at the full rate before which nothing need have been learnt, and their share of the run. Healthy trainings left
the level of predicting nothing within 30."""


def exposed(config: Config, last_step: int) -> bool:
    """Whether `last_step`, -1 for none, leaves a run time at its full rate to learn something, or ends it without."""
    total = run_facts(config).optimiser_steps
    needed = max(LEAST_EXPOSURE, LEAST_SHARE * total)
    training, done = config.training, 0.0
    for step in range(last_step + 1):
        done += lr_multiplier(step, total, training.warmup_steps, training.lr_schedule)
        if done >= needed:
            return True
    return LEAST_EXPOSURE <= last_step + 1 == total


def update_signs(config: Config, summary: TraceSummary, long_enough: bool) -> Iterator[tuple[str, SignReading]]:
    """Signs by name that follow from the rows of a trace; rows of whole epochs have none of single steps.

    Args:
        config: the run.
        summary: its trace.
        long_enough: whether it is `exposed`.
    """
    if not summary.stepwise or not len(summary.steps):
        return
    yield from _weight_signs(summary, long_enough)
    yield from _schedule_signs(config, summary)
    yield from _average_signs(config, summary)
    shares = summary.values("frac_fm")
    if shares:
        holds = {share: _share_holds(config, share) for share in set(shares)}  # a run has a few, whatever its length
        wrong = [share for share in shares if not holds[share]]
        found = wrong[0] if wrong else shares[0]
        says = f"{found:.3g} of a step's samples had r = t, asked for {config.time_sampling.data_proportion:g}"
        yield "share_off", fact(bool(wrong), says)


def _weight_signs(summary: TraceSummary, long_enough: bool) -> Iterator[tuple[str, SignReading]]:
    moves = _relative_updates(summary)
    if not moves:
        return
    says = f"the largest update was {max(moves):.2g} of the weights"
    yield "weights_thrown", WEIGHTS_THROWN.place(max(moves), says)
    if long_enough:
        # A step that was not measured counts as the measured ones on average.
        path = sum(moves) * len(summary.steps) / len(moves)
        says = f"all {len(summary.steps)} updates together are {path:.2g} of the weights"
        # Where the fault is at the low end, the axis runs the other way.
        yield "weights_unmoved", WEIGHTS_UNMOVED.place(max(path, 1e-30), says)
    yield from _step_signs(summary)


def _step_signs(summary: TraceSummary) -> Iterator[tuple[str, SignReading]]:
    rate, update, norm = (summary.columns[name] for name in ("lr", "update_rms", "grad_norm"))
    told = _is_told(rate) & ~np.isnan(update)
    with np.errstate(over="ignore"):
        steps = update[told] / rate[told]
    pushed = steps[_is_told(norm[told])]
    if len(pushed):
        says = f"the weights moved in {(pushed > 0).sum()} of {len(pushed)} steps with a gradient and a rate"
        yield "frozen", fact(not pushed.any(), says)
    settled = steps[SETTLED:]
    if len(settled):
        largest = float(settled.max())
        says = f"the largest update was {largest:.3g} learning rates, the median {np.median(settled):.2g}"
        yield "surge", SURGE.place(largest, says)


def _is_told(column: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a number is there and not 0."""
    told: NDArray[np.bool_] = ~np.isnan(column) & (column != 0)
    return told


def _schedule_signs(config: Config, summary: TraceSummary) -> Iterator[tuple[str, SignReading]]:
    training, total = config.training, run_facts(config).optimiser_steps
    off = []
    for rate, step in zip(summary.columns["lr"].tolist(), summary.steps.tolist(), strict=True):
        if math.isnan(rate):
            continue
        expected = training.learning_rate * lr_multiplier(step, total, training.warmup_steps, training.lr_schedule)
        off.append((relative_difference(rate, expected), step, rate, expected))
    if off:
        distance, step, rate, expected = max(off)
        says = f"the learning rate of step {step} was {rate:.4g}, by the schedule {expected:.4g}"
        yield "rate_off", fact(not distance <= KEPT_DIGITS, says)


def _average_signs(config: Config, summary: TraceSummary) -> Iterator[tuple[str, SignReading]]:
    r"""The average lags by :math:`e_k = \beta(e_{k-1} + \Delta_k)`, so that its distance has a bound by the updates."""
    beta = config.ema.decay
    columns = [summary.values(name) for name in ("ema_gap", "update_rms", "param_rms")]
    if (
        beta is None
        or not summary.from_start
        or len({len(column) for column in columns}) != 1
        or not columns[0]
        or not any(columns[1])
    ):
        return
    if len(columns[0]) < len(summary.steps):  # updates that were not measured are in the average all the same
        says = f"the average is {columns[0][-1]:.3g} of the weights away"
        yield "average_off", fact(not any(columns[0]), says)
        return
    gap, excess = columns[0][-1], _average_excess(beta, *columns)
    says = f"the average is {gap:.3g} of the weights away, at most {excess:.6g} times what their updates allow"
    yield "average_off", fact(not any(columns[0]) or not excess <= 1 + AVERAGE_EXCESS, says)


def _average_excess(beta: float, gaps: Sequence[float], updates: Sequence[float], sizes: Sequence[float]) -> float:
    """How many times farther than its updates allow the average is at most, over all steps from the first."""
    largest = excess = 0.0
    for gap, update, size in zip(gaps, updates, sizes, strict=True):
        largest = beta * (largest + update)
        excess = max(excess, gap * size / largest if largest > 0 else 0.0)
    return excess


def _relative_updates(summary: TraceSummary) -> list[float]:
    update, size = summary.columns["update_rms"], summary.columns["param_rms"]
    known = ~np.isnan(update) & _is_told(size)
    with np.errstate(over="ignore"):
        moves: list[float] = (update[known] / size[known]).tolist()
    return moves


def _share_holds(config: Config, share: float) -> bool:
    samples = run_facts(config).effective_batch
    asked = config.time_sampling.data_proportion
    count = fm_count(share, samples)
    return law("TIME-002").predicate(fm_samples=count, samples=samples, data_proportion=asked).passed
