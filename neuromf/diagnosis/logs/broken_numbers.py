"""Numbers of a log that are not finite: where the first one is, and whether the run came back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from neuromf.counted import counted
from neuromf.logs.log import LogColumn, RunLog
from neuromf.logs.quantities import LOSS, PART, VALIDATION, Recognised
from neuromf.trace.columns import OF_CHANNEL

JUDGED = ("raw_total", "raw_fm", "raw_mf", "weighted", "objective", "grad_norm", LOSS, PART, VALIDATION)
BORNE = 0.05
"""Share of gradients that may be infinite where a loss is scaled for 16-bit numbers: such steps are left out."""


@dataclass(frozen=True)
class BrokenNumber:
    """The first number of a column that is not finite.

    Attributes:
        column: its name.
        step: where it is.
        value: what it is.
        count: how many of the column are not finite.
        recovers: whether the last one is finite again.
        borne: whether a sound run may have such a number.
    """

    column: str
    step: float
    value: float
    count: int
    recovers: bool
    borne: bool

    def says(self, axis: str) -> str:
        """The number in a sentence."""
        rest = "the only one" if self.count == 1 else f"the first of {counted(self.count, 'number')}"
        course = "; the last one is finite again" if self.recovers else ""
        where = f"{self.column} is {self.value} at {axis} {self.step:,.0f}"
        return f"{where}, {rest} that {_are(self.count)} not finite{course}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def broken_numbers(log: RunLog, recognised: Sequence[Recognised]) -> list[BrokenNumber]:
    """The first number of each judged column that is not finite, the earliest first."""
    return sorted(_found(log, recognised), key=lambda broken: broken.step)


def _found(log: RunLog, recognised: Sequence[Recognised]) -> Iterator[BrokenNumber]:
    for known in recognised:
        if known.quantity in JUDGED or known.quantity.startswith(OF_CHANNEL):
            column = log.columns[known.column]
            broken = ~np.isfinite(column.values)
            if broken.any():
                yield _of(known, column, broken)


def _of(known: Recognised, column: LogColumn, broken: np.ndarray) -> BrokenNumber:
    first, count = int(broken.argmax()), int(broken.sum())
    recovers = not bool(broken[-1])
    return BrokenNumber(
        column=known.column,
        step=float(column.steps[first]),
        value=float(column.values[first]),
        count=count,
        recovers=recovers,
        borne=recovers and known.quantity == "grad_norm" and count <= max(BORNE * len(broken), 1),
    )
