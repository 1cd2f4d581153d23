"""Numbers as loops hold them: floats, and tensors or arrays of one entry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import SupportsFloat

from neuromf.any_loop.rules.reading import LoopReading
from neuromf.any_loop.trace_writer import column_name
from neuromf.errors import InputError


def as_number(name: str, value: SupportsFloat | None) -> float | None:
    """A float; None where nothing was told.

    Raises:
        InputError: it is no number, or several.
    """
    if value is None:
        return None
    try:
        return plain(value)
    except OverflowError as error:  # an integer of more than 308 digits
        raise InputError("is too large for a number", remedy="give a float", key=name) from error
    except (TypeError, ValueError, RuntimeError) as error:  # torch has an error of its own for several entries
        raise InputError(f"{type(value).__name__} is no single number", remedy="give its mean", key=name) from error


def plain(value: SupportsFloat) -> float:
    """A float; of a tensor without its gradient, which torch warns of otherwise."""
    return float(getattr(value, "detach", lambda: value)())


def reading_of(
    loss: SupportsFloat, raw_loss: SupportsFloat | None, grad_norm: SupportsFloat | None, skipped: bool,
    metrics: Mapping[str, SupportsFloat | None],
) -> LoopReading:  # fmt: skip
    """What the guard judges, from what `Guard.step` was told.

    Raises:
        InputError: something of it is no number.
    """
    shown, raw = as_number("loss", loss), as_number("raw_loss", raw_loss)
    told = {column_name(name): as_number(name, value) for name, value in metrics.items()}
    known = {name: value for name, value in told.items() if value is not None}
    if shown is None:
        raise InputError("there is no loss", remedy="give the loss of the step", key="loss")
    return LoopReading(
        loss=shown,
        raw=shown if raw is None else raw,
        grad_norm=as_number("grad_norm", grad_norm),
        flow=known.get("raw_fm"),
        meanflow=known.get("raw_mf"),
        skipped=skipped,
        metrics=known,
    )


def cells_of(reading: LoopReading, has_raw: bool) -> dict[str, float | None]:
    """The reading by the names of a trace's columns."""
    own: dict[str, float | None] = {"raw_total": reading.raw}
    if has_raw:
        own["weighted"] = reading.loss
    if reading.grad_norm is not None:
        own["grad_norm"] = reading.grad_norm
    if reading.skipped:
        own["skipped"] = 1.0
    return {**own, **{name: value for name, value in reading.metrics.items() if name not in own}}


def finite_mean(values: list[float]) -> float:
    """Mean over ranks: not finite as soon as one of them is."""
    return math.fsum(values) / len(values) if all(map(math.isfinite, values)) else math.nan
