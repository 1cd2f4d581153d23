"""Which column of a log is judged, and which one was watched while the run went on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from neuromf.diagnosis.logs.blindness import FEWEST, moves, stands_still, terms_of
from neuromf.logs.log import LogColumn, RunLog
from neuromf.logs.quantities import LOSS, PART, Recognised
from neuromf.trace.columns import OF_CHANNEL

MEANFLOW = ("raw_fm", "raw_mf", "dudt_rms", "rho", "w_mean", "w_sat")
"""Quantities that a MeanFlow's log alone has."""


@dataclass(frozen=True)
class Watched:
    """The losses of a log.

    Attributes:
        judged: name of the loss that is judged, or what it was computed from; empty where there is none.
        loss: its points.
        shown: name of the loss that was watched; the judged one where there is no other.
        shown_loss: its points.
        flow: raw FM loss, where there is one.
        meanflow: raw MF loss, likewise.
        is_meanflow: whether the log has what only a MeanFlow's has: such a quantity, or a loss that weighted terms add.
        sentences: how the columns were recognised.
    """

    judged: str
    loss: LogColumn | None
    shown: str
    shown_loss: LogColumn | None
    flow: LogColumn | None
    meanflow: LogColumn | None
    is_meanflow: bool
    sentences: tuple[str, ...]


def watched(log: RunLog, recognised: Sequence[Recognised]) -> Watched:
    """Choose the losses of a log by what its columns are, and by how they behave where their names do not tell."""
    column = {found.quantity: log.columns[found.column] for found in recognised if found.quantity != PART}
    name = {found.quantity: found.column for found in recognised if found.quantity != PART}
    judged, loss, why = _judged(log, recognised, column, name)
    shown = next((quantity for quantity in ("weighted", LOSS) if quantity in column), "")
    by_channel = any(found.quantity.startswith(OF_CHANNEL) for found in recognised)
    return Watched(
        judged=judged,
        loss=loss,
        shown=name.get(shown, judged),
        shown_loss=column.get(shown, loss),
        flow=column.get("raw_fm"),
        meanflow=column.get("raw_mf"),
        is_meanflow=by_channel or any(quantity in column for quantity in MEANFLOW) or _is_weighted(column.get(shown)),
        sentences=tuple(_sentences(recognised, judged, why, name.get(shown, judged))),
    )


def _is_weighted(shown: LogColumn | None) -> bool:
    """Whether a loss reads a whole number of terms L/(L + c)."""
    finite = shown.values[np.isfinite(shown.values)] if shown is not None else np.empty(0)
    return len(finite) >= FEWEST and terms_of(finite) is not None


_Judged = tuple[str, LogColumn | None, str]
"""Name, points and reason of the loss that is judged."""


def _judged(
    log: RunLog, recognised: Sequence[Recognised], column: dict[str, LogColumn], name: dict[str, str]
) -> _Judged:
    return _raw(log, recognised, column, name) or _usual(log, recognised, column, name)


def _raw(
    log: RunLog, recognised: Sequence[Recognised], column: dict[str, LogColumn], name: dict[str, str]
) -> _Judged | None:
    """A loss of which the log says that it is raw."""
    if "raw_total" in column:
        return name["raw_total"], column["raw_total"], "it is the raw loss"
    channels = [found.column for found in recognised if found.quantity.startswith(OF_CHANNEL)]
    if channels:
        mean = _combined([log.columns[channel] for channel in channels], np.mean)
        return f"the mean of {channels[0]} to {channels[-1]}", mean, "no column has the total, the channels' mean is it"
    if "raw_fm" in column and "raw_mf" in column:
        both = _combined([column["raw_fm"], column["raw_mf"]], np.sum)
        return f"{name['raw_fm']} + {name['raw_mf']}", both, "no column has the total"
    return None


def _usual(
    log: RunLog, recognised: Sequence[Recognised], column: dict[str, LogColumn], name: dict[str, str]
) -> _Judged:
    """The training loss by its name, or another that moves where that one stands still."""
    usual = next((quantity for quantity in (LOSS, "objective", "weighted") if quantity in column), "")
    parts = [found.column for found in recognised if found.quantity == PART]
    moving = [part for part in parts if moves(log.columns[part].values)]
    if usual and moving and stands_still(column[usual].values):
        fullest = max(moving, key=lambda part: len(log.columns[part].steps))
        return fullest, log.columns[fullest], f"it moves where {name[usual]} stands still"
    if usual:
        return name[usual], column[usual], "it is the training loss"
    if parts:
        fullest = max(parts, key=lambda part: (len(log.columns[part].steps), -len(part)))
        return fullest, log.columns[fullest], "no other column is a training loss"
    return "", None, ""


def _combined(columns: Sequence[LogColumn], how: object) -> LogColumn:
    """Sum or mean of columns at the steps that all of them have."""
    steps = columns[0].steps
    for column in columns[1:]:
        steps = np.intersect1d(steps, column.steps, assume_unique=True)
    values = np.stack([column.values[np.isin(column.steps, steps)] for column in columns])
    with np.errstate(over="ignore", invalid="ignore"):
        return LogColumn(steps, how(values, axis=0), ", ".join(column.source for column in columns))  # type: ignore[operator]


def _sentences(recognised: Sequence[Recognised], judged: str, why: str, shown: str) -> Iterator[str]:
    if judged:
        yield f"Judged is {judged}: {why}."
    if shown and shown != judged:
        yield f"Watched was {shown}, as far as the names tell."
    others = [f"{found.column} as {found.quantity} ({found.why})" for found in recognised
              if found.column not in (judged, shown) and found.quantity != PART]  # fmt: skip
    if others:
        yield f"Taken besides: {', '.join(others)}."
