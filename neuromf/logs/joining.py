"""One run out of what was written in pieces: restarts joined, runs parted, repeated steps kept once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MOST_BACK = 0.05
"""Share of steps back among all from which a log is not written in order at all."""


@dataclass(frozen=True)
class Piece:
    """Rows that were written in one go.

    Attributes:
        first: its first row.
        end: the row after its last.
        start: the step that it begins at.
    """

    first: int
    end: int
    start: float


def pieces_of(steps: NDArray[np.float64]) -> list[Piece]:
    """The stretches of rows between two steps back; one where the rows are in no order."""
    known = np.flatnonzero(~np.isnan(steps))
    if not len(known):
        return []
    change = np.diff(steps[known])
    back = np.flatnonzero(change < 0)
    if len(back) > max(MOST_BACK * len(change), 3):
        return [Piece(0, len(steps), float(np.nanmin(steps)))]
    edges = [0, *known[back + 1].tolist(), len(steps)]
    return [Piece(first, end, float(np.nanmin(steps[first:end]))) for first, end in pairwise(edges)]


def runs_of(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces by run: one that begins where the first of its run began, or before, is a new run, others are restarts."""
    runs: list[list[Piece]] = []
    for piece in pieces:
        if runs and piece.start > runs[-1][0].start:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


def kept_rows(steps: NDArray[np.float64], pieces: Sequence[Piece]) -> NDArray[np.int64]:
    """Rows of one run, without those that a later piece made again."""
    kept, ceiling = [], np.inf
    for piece in reversed(pieces):
        rows = np.arange(piece.first, piece.end)
        kept.append(rows[steps[rows] < ceiling])  # a row without a step is left out
        ceiling = min(ceiling, piece.start)
    return np.concatenate(kept[::-1]) if kept else np.empty(0, dtype=np.int64)


def once_a_step(
    steps: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points in the order of their steps, of those with one step the last."""
    order = np.argsort(steps, kind="stable")
    steps, values = steps[order], values[order]
    last = np.append(np.diff(steps) > 0, True) if len(steps) else np.empty(0, dtype=bool)
    return steps[last], values[last]
