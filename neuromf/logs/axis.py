"""Which column of a log numbers its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuromf.errors import InputError
from neuromf.logs.log import Axis

STEPS = (
    "step", "global_step", "_step", "trainer/global_step", "train/global_step", "iteration", "iter", "it", "steps",
    "iterations", "n_iter", "update", "updates", "num_updates", "optimizer_step", "optimiser_step", "batch",
    "batch_idx",
)  # fmt: skip
EPOCHS = ("epoch", "epochs", "epoch_idx", "_epoch", "current_epoch")
LEAST_FILLED = 0.5
"""Share of the rows that a column must number."""
MOST_RESETS = 3
"""How often a column may begin anew and still number runs; more often it numbers the batches of an epoch."""

Cells = Mapping[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]
"""Columns of numbers by name: values, and where there is one."""


@dataclass(frozen=True)
class RowAxis:
    """What numbers the rows.

    Attributes:
        kind: what is counted.
        source: the column, empty for the rows themselves.
        values: a number for each row, NaN where it has none.
        steps_per_epoch: of an axis of epochs, where another column tells it.
    """

    kind: Axis
    source: str
    values: NDArray[np.float64]
    steps_per_epoch: int | None = None


def find_axis(cells: Cells, rows: int, named: str | None = None, file: str = "") -> RowAxis:
    """The axis of a log.

    Args:
        cells: its columns of numbers.
        rows: how many there are.
        named: the column that the user says it is.
        file: named in the error.

    Raises:
        InputError: there is no such column of numbers.
    """
    if named is not None:
        if named not in cells:
            problem, remedy = "is no column of numbers", f"name one of {', '.join(list(cells)[:12])}"
            raise InputError(problem, remedy=remedy, file=file, key=named)
        kind: Axis = "epoch" if named.lower() in EPOCHS else "step"
        return RowAxis(kind, named, _filled(cells[named]))
    step, epoch = _first(cells, STEPS, rows), _first(cells, EPOCHS, rows)
    if epoch is not None and _one_a_row(_filled(cells[epoch])):
        each = None if step is None else _steps_per_epoch(_filled(cells[epoch]), _filled(cells[step]))
        return RowAxis("epoch", epoch, _filled(cells[epoch]), each)
    if step is not None and _numbers_rows(_filled(cells[step])):
        return RowAxis("step", step, _filled(cells[step]))
    return RowAxis("row", "", np.arange(rows, dtype=np.float64))


def _first(cells: Cells, names: tuple[str, ...], rows: int) -> str | None:
    """The first of these names that most rows have a whole number of."""
    by_name = {name.lower().strip(): name for name in reversed(list(cells))}
    for name in names:
        if name in by_name:
            values, there = cells[by_name[name]]
            known = values[there & np.isfinite(values)]
            if len(known) >= LEAST_FILLED * rows and len(known) and (known >= 0).all():
                return by_name[name]
    return None


def _filled(cells: tuple[NDArray[np.float64], NDArray[np.bool_]]) -> NDArray[np.float64]:
    values, there = cells
    return np.where(there & np.isfinite(values), values, np.nan)


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known: NDArray[np.float64] = values[~np.isnan(values)]
    return known


def _one_a_row(epochs: NDArray[np.float64]) -> bool:
    """Whether each row is an epoch: whole numbers that rise from row to row but where a run begins anew."""
    known = _known(epochs)
    if len(known) < 2:
        return False
    whole = bool((known == np.round(known)).all())
    return whole and float((np.diff(known) > 0).mean()) >= 0.9


def _numbers_rows(steps: NDArray[np.float64]) -> bool:
    """Whether a column counts through the log, and not anew in each epoch, and is not the same in most rows."""
    change = np.diff(_known(steps))
    resets = int((change < 0).sum())
    moves = len(change) == 0 or float((change > 0).mean()) > 0.1
    return moves and (resets <= MOST_RESETS or _scattered(change))


def _scattered(change: NDArray[np.float64]) -> bool:
    """Whether rows are only out of order here and there: the steps back are small beside the way forward."""
    back, forth = -change[change < 0].sum(), change[change > 0].sum()
    return bool(back < 0.5 * forth)


def _steps_per_epoch(epochs: NDArray[np.float64], steps: NDArray[np.float64]) -> int | None:
    both = ~np.isnan(epochs) & ~np.isnan(steps)
    change = np.diff(steps[both]) / np.maximum(np.diff(epochs[both]), 1)
    each = float(np.median(change)) if len(change) else 0.0
    return round(each) if each >= 1 else None
