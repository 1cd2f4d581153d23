"""From the rows of a log to runs: the axis is found, restarts are joined, and each column gets its own points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from neuromf.counted import counted
from neuromf.errors import InputError
from neuromf.logs.axis import Cells, RowAxis, find_axis
from neuromf.logs.cells import numbers, without_holes
from neuromf.logs.clock import clock_of
from neuromf.logs.joining import Piece, kept_rows, once_a_step, pieces_of, runs_of
from neuromf.logs.log import LogColumn, RowLog, RunLog


def runs_of_rows(log: RowLog, axis: str | None = None) -> list[RunLog]:
    """The runs that a log of rows holds, in the order in which they were written.

    Args:
        log: the rows.
        axis: the column that numbers them, where the user says it.

    Raises:
        InputError: the log has no row or no column of numbers, or no number that belongs to a step.
    """
    cells = {str(name): found for name in log.rows if (found := numbers(log.rows[name])) is not None}
    if not len(log.rows) or not cells:
        problem = "holds no row" if not len(log.rows) else "holds no column of numbers"
        raise InputError(problem, remedy="give the log of a training that has begun", file=log.source)
    numbered = find_axis(cells, len(log.rows), axis, log.source)
    runs = runs_of(pieces_of(numbered.values))
    held = [
        _run(log, cells, numbered, pieces, _numbered(log.name, place, len(runs))) for place, pieces in enumerate(runs)
    ]
    if not any(run.columns for run in held):
        remedy = "see that every row has the header's delimiter and its columns"
        raise InputError("holds no number that belongs to a step", remedy=remedy, file=log.source)
    return held


def _numbered(name: str, place: int, count: int) -> str:
    return name if count == 1 else f"{name}, run {place + 1} of {count}"


def _run(log: RowLog, cells: Cells, axis: RowAxis, pieces: Sequence[Piece], name: str) -> RunLog:
    rows = kept_rows(axis.values, pieces)
    steps = axis.values[rows]
    columns, repeated = {}, 0
    for column, (values, there) in cells.items():
        if column == axis.source:
            continue
        told = without_holes(values[rows], there[rows])
        if told.any():
            at, kept = once_a_step(steps[told], values[rows][told])
            repeated = max(repeated, int(told.sum()) - len(at))
            columns[column] = LogColumn(at, kept, f"{log.source}: {column}")
    clock = clock_of(columns)
    return RunLog(
        name=name, form=log.form, axis=axis.kind, axis_source=axis.source, columns=columns, clock=clock,
        notes=(*log.notes, *_notes(axis, steps, pieces, repeated)), steps_per_epoch=axis.steps_per_epoch,
    )  # fmt: skip


def _notes(axis: RowAxis, steps: NDArray[np.float64], pieces: Sequence[Piece], repeated: int) -> Iterator[str]:
    if axis.kind == "row":
        yield "No column counts steps or epochs, so the rows are counted; name one with --map step=COLUMN."
    if len(pieces) > 1:
        yield restarted([piece.start for piece in pieces[1:]], axis.kind)
    elif len(steps) and not (np.diff(steps) >= 0).all():
        yield "The rows are in no order and were sorted by their step."
    if repeated:
        yield f"Of {counted(repeated, 'step')} that stand twice in a column the last row was taken."


def restarted(starts: Sequence[float], kind: str) -> str:
    """What a reader should know of a run that was taken up again."""
    places = ", ".join(f"{start:,.0f}" for start in starts[:5]) + (", ..." if len(starts) > 5 else "")
    return f"The run was taken up again at {kind} {places}; of steps that were made twice the later ones were taken."
