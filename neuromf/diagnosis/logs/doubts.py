"""Why a log that raises no alarm still does not show a healthy run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neuromf.counted import counted
from neuromf.diagnosis.logs.blindness import Blindness
from neuromf.diagnosis.logs.watched import Watched
from neuromf.logs.log import RunLog
from neuromf.readable import rounded

FEWEST = 10
"""Points of the judged loss from which it has a course."""
PARTS = (8, 32)
"""Stretches of the log whose levels are compared: what is learnt at once shows in short ones alone."""
ERRORS, FELL = 3.0, 0.7
"""Standard errors that the first level must be above the lowest for the loss to have fallen, or the share of it that
the lowest is at most."""


def doubts(log: RunLog, losses: Watched, blind: Blindness | None) -> Iterator[str]:
    """Reasons why nothing can be told, a sentence each; none where a loss is there and fell."""
    if losses.loss is None:
        columns = ", ".join(list(log.columns)[:12])
        yield f"No column is a loss, by its name; name one with --map loss=COLUMN, of {columns}."
        return
    finite = losses.loss.values[np.isfinite(losses.loss.values)]
    if len(finite) < FEWEST:
        yield f"{losses.judged} has {counted(len(finite), 'point')}; a course needs {FEWEST}."
        return
    if blind is not None and blind.kind in ("constant", "saturated") and losses.judged == losses.shown:
        yield f"{blind.says}. No other loss is in the log: a run that explodes and one that learns look alike in it."
    elif (first := not_fallen(finite, losses.is_meanflow)) is not None:
        yield (
            f"{losses.judged} has not fallen: its level was {rounded(first, 4)} at the beginning and is no lower "
            f"anywhere. The run learns nothing, or had learnt before the log begins."
        )


def not_fallen(finite: NDArray[np.float64], is_meanflow: bool) -> float | None:
    """The first level of a loss that is nowhere lower by more than its noise; None where it fell.

    A MeanFlow's loss keeps most of its level, the variance of its target, and its noise: its first rows need only be
    above the median of all.
    """
    if is_meanflow:
        first = float(np.median(finite[:3]))
        return first if not first > float(np.median(finite)) else None
    # The median of n numbers has 1.25 times the error of their mean.
    spread = 1.2533 * float(np.median(np.abs(np.diff(finite)))) * 1.4826 / np.sqrt(2)
    for count in PARTS:
        parts = np.array_split(finite, min(count, len(finite) // 2))
        first, lowest = float(np.median(parts[0])), min(float(np.median(part)) for part in parts[1:])
        borne = ERRORS * spread * float(np.sqrt(2 / len(parts[0])))
        if not lowest > max(first - borne, FELL * first if first > 0 else -np.inf):
            return None
    return float(np.median(finite[: max(len(finite) // PARTS[0], 1)]))
