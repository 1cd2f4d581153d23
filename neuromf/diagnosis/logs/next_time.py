"""What the next run should log, so that a fault shows when it begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from neuromf.diagnosis.logs.blindness import Blindness
from neuromf.diagnosis.logs.watched import Watched
from neuromf.logs.log import RunLog
from neuromf.logs.quantities import VALIDATION, Recognised

SPARSE = 500
"""Steps between two points of the judged loss from which a halt comes late."""


def next_time(log: RunLog, recognised: Sequence[Recognised], losses: Watched, blind: Blindness | None) -> Iterator[str]:
    """What is missing, the most telling first, a sentence each."""
    known = {found.quantity for found in recognised}
    if blind is not None and blind.law == "WGT-002":
        yield "The raw loss of every step, before any weight, or log(1 + L/c), which keeps rising with it."
    elif blind is not None:
        yield "The loss with all its digits; round it on the screen alone."
    if losses.is_meanflow and not {"raw_fm", "raw_mf"} <= known:
        yield "The raw loss of samples with r = t, and of those with r < t: a wrong derivative raises the second alone."
    if "grad_norm" not in known:
        yield "The norm of the gradient before it is clipped."
    if "lr" not in known:
        yield "The learning rate of each step."
    if losses.is_meanflow and "dudt_rms" not in known:
        yield "The size of du/dt beside that of u."
    if log.axis == "row":
        yield "The optimiser step beside each row."
    if log.axis == "epoch":
        yield "A row a step, or every few steps: an epoch's mean comes when the epoch is over."
    elif losses.loss is not None and len(losses.loss.steps) > 2 and log.axis == "step":
        apart = (losses.loss.steps[-1] - losses.loss.steps[0]) / (len(losses.loss.steps) - 1)
        if apart > SPARSE:
            yield f"More points: the loss was logged once in {apart:,.0f} steps."
    if log.clock is None:
        yield "The time, so that what a halt saves can be told in hours."
    if VALIDATION not in known and not losses.is_meanflow:
        yield "A validation loss: training alone shows no overfitting."
