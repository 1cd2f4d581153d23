"""Columns of a trace in causal order: the first one that differs names the faulty stage (law OBS-001)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, TypedDict


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: header.
        stage: part of the step that computes it.
        meaning: what the number is, with its unit.
        kind: how a cell is written.
        optional: the cell is empty where the quantity does not exist, such as raw_fm without FM samples, or is not
            measured in every step, such as ema_gap (`training.measure_weights_every_steps`).
    """

    name: str
    stage: str
    meaning: str
    kind: Literal["int", "text", "float"] = "float"
    optional: bool = False


LOSS = "squared latent per dim"
USUAL_CHANNELS = 4
"""Of a MAISI latent."""
OF_CHANNEL = "raw_ch"
"""How the names of the columns of single channels begin."""
_BEFORE = (
    Column("step", "schedule", "optimiser step, from 0", "int"),
    Column("batch_hash", "batch", "first digits of the SHA-256 of data and noise", "text"),
    Column("t_mean", "times", "mean of t"),
    Column("h_mean", "times", "mean of t - r"),
    Column("frac_fm", "times", "share of samples with r = t"),
    Column("z_rms", "path", "root mean square of z_t"),
    Column("v_rms", "path", "root mean square of e - x"),
    Column("u_rms", "forward", "root mean square of the average velocity"),
    Column("dudt_rms", "derivative", "root mean square of du/dt over MF samples", optional=True),
    Column("rho", "derivative", "|(t-r) du/dt| / (|u| + |v|), mean over MF samples", optional=True),
    Column("target_rms", "target", "root mean square of v_c - (t-r) du/dt"),
    Column("raw_fm", "loss", f"flow-matching loss, {LOSS}", optional=True),
    Column("raw_mf", "loss", f"MeanFlow loss over MF samples, {LOSS}", optional=True),
    Column("raw_total", "loss", f"unweighted loss, its terms added, {LOSS}"),
)
_BEHIND = (
    Column("raw_v_head", "loss", f"loss of the second head, {LOSS}", optional=True),
    Column("w_mean", "weighting", "mean adaptive weight"),
    Column("w_sat", "weighting", "share of samples with L / norm_eps above 10"),
    Column("weighted", "weighting", "weighted loss, its terms added; does not move when saturated (WGT-002)"),
    Column("objective", "weighting", "potential with the weighted loss's gradient (WGT-004)"),
    Column("grad_norm", "gradient", "global norm before the clip"),
    Column("grad_zeros", "gradient", "share of gradient entries that are exactly 0", optional=True),
    Column("clip_frac", "gradient", "1 when the gradient was clipped, else 0"),
    Column("lr", "optimiser", "learning rate of this step"),
    Column("update_rms", "optimiser", "root mean square of the change of the parameters", optional=True),
    Column("param_rms", "optimiser", "root mean square of the parameters after the step", optional=True),
    Column("ema_gap", "ema", "|average - weights| / |weights|", optional=True),
)


@cache
def columns_of(channels: int) -> tuple[Column, ...]:
    """The columns of a trace of latents of so many channels."""
    own = (Column(f"{OF_CHANNEL}{c}", "loss", f"unweighted loss of channel {c}, {LOSS}") for c in range(channels))
    return (*_BEFORE, *own, *_BEHIND)


COLUMNS = columns_of(USUAL_CHANNELS)
NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
CHANNELS = tuple(name for name in NAMES if name.startswith(OF_CHANNEL))
"""The unweighted loss by channel."""


def channels_in(names: Iterable[str]) -> tuple[str, ...]:
    """The columns of single channels among these, in their order."""
    return tuple(name for name in names if name.startswith(OF_CHANNEL))


LOOP_BEGINNING = ("step", "raw_total")
"""How the trace of a loop begins that a guard has recorded: what the loop did not tell has no column there."""


def is_of_loop(names: Iterable[str]) -> bool:
    """Whether a header or a row is that of a loop that a guard has recorded; ours go on with `batch_hash`."""
    return tuple(names)[: len(LOOP_BEGINNING)] == LOOP_BEGINNING


def _loop_column(name: str) -> Column:
    """A column of a loop: one of a trace by its name, or else a metric of the user's."""
    known = column_named(name)
    if known is None or known.kind == "text":
        return Column(name, "metric", "what the loop calls so", optional=True)
    return known if name in LOOP_BEGINNING else replace(known, optional=True)


def columns_in(names: Iterable[str]) -> tuple[Column, ...]:
    """The columns that a row or a header has; those of four channels where it is none of a trace."""
    names = tuple(names)
    if is_of_loop(names) and len(set(names)) == len(names) and all(names):
        return tuple(_loop_column(name) for name in names)
    columns = columns_of(len(channels_in(names)) or USUAL_CHANNELS)
    return columns if {column.name for column in columns} <= set(names) else COLUMNS


def column_named(name: str) -> Column | None:
    """The column of a trace of any number of channels that has this name; None where there is none."""
    number = name.removeprefix(OF_CHANNEL)
    channels = int(number) + 1 if name != number and number.isdecimal() and len(number) < 5 else USUAL_CHANNELS
    return next((column for column in columns_of(channels) if column.name == name), None)


Row = Mapping[str, object]
"""One step of a trace as a file gives it back, by column name; None is an empty cell."""


class BatchColumns(TypedDict):
    """The columns from the times to the weighting: means over the effective batch.

    Of latents of another number of channels a row has as many `raw_ch`.
    """

    t_mean: float
    h_mean: float
    frac_fm: float
    z_rms: float
    v_rms: float
    u_rms: float
    dudt_rms: float | None
    rho: float | None
    target_rms: float
    raw_fm: float | None
    raw_mf: float | None
    raw_total: float
    raw_ch0: float
    raw_ch1: float
    raw_ch2: float
    raw_ch3: float
    raw_v_head: float | None
    w_mean: float
    w_sat: float
    weighted: float
    objective: float


class TraceRow(BatchColumns):
    """One step as the trainer records it: every column of `COLUMNS`, with its type."""

    step: int
    batch_hash: str
    grad_norm: float
    grad_zeros: float | None
    clip_frac: float
    lr: float
    update_rms: float | None
    param_rms: float | None
    ema_gap: float | None


def number_or_none(row: Row, name: str) -> float | None:
    """A number of a row; None where its cell is empty."""
    value = row[name]
    return float(value) if isinstance(value, int | float) else None


def number(row: Row, name: str) -> float:
    """A number of a row; NaN where its cell is empty, so that a comparison with it fails."""
    value = number_or_none(row, name)
    return math.nan if value is None else value
