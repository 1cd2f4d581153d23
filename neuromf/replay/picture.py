"""Pictures of the failed run: as recorded, and as trained again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuromf.replay.recorded import RecordedRun, curve
from neuromf.replay.rules import Rule, readings

CHANNELS = ("ch0", "ch1", "ch2", "ch3")
COLOURS = ("#2f7ed8", "#e0662b", "#2a9d5c", "#a35bd6")
BLIND, ALARM = "#6b6f76", "#c0392b"
OUTCOMES = ((100.0, ALARM), (1.0, "#d68910"), (0.0, "#1e8449"))
"""Growth of the loss from which a training has a colour: it exploded, it grew, it fell."""


def draw_recorded(path: Path, run: RecordedRun, rules: list[Rule]) -> None:
    """Raw loss on a log axis over the weighted loss that was printed, with the rules' epochs marked."""
    with mpl.rc_context({"font.size": 10, "svg.hashsalt": "neuromf"}):
        figure = Figure(figsize=(8.6, 5.6), dpi=120)
        raw, printed = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        _draw_channels(raw, run)
        _mark_rules(raw, rules)
        table = readings(run)
        printed.plot([r.epoch for r in table], [r.printed for r in table], "o-", color=BLIND)
        printed.set_ylim(run.terms - 0.5, run.terms + 0.5)
        printed.set_ylabel("weighted\nloss")
        printed.set_xlabel(f"epoch of {run.name} (points are recorded, lines join them)")
        words = f"{run.terms}.0 in every epoch: all that was on the screen"
        printed.annotate(words, (24, run.terms + 0.2), color=BLIND)
        raw.set_title(f"{run.name}: what was printed, and what grew underneath")
        figure.tight_layout()
        figure.savefig(path)


def _draw_channels(axes: Axes, run: RecordedRun) -> None:
    table = curve(run.name)
    if "ch0" not in table:
        axes.plot(list(run.points), list(run.points.values()), "o-", color=COLOURS[0], label="four channels added")
    for channel, colour in zip(CHANNELS if "ch0" in table else (), COLOURS, strict=False):
        axes.plot(table["epoch"], table[channel], "o-", color=colour, label=f"channel {channel[2]}", linewidth=1.6)
    axes.set_yscale("log")
    axes.set_ylabel("raw loss per voxel (FM + MF)")
    axes.grid(alpha=0.25, linewidth=0.5)
    axes.legend(frameon=False, loc="upper left", ncols=2)


def _mark_rules(axes: Axes, rules: list[Rule]) -> None:
    spoken = [rule for rule in rules if rule.epoch is not None and rule.epoch > 0]
    for index, rule in enumerate(spoken):
        assert rule.epoch is not None
        axes.axvline(
            rule.epoch, color=ALARM if rule.halts else BLIND, linestyle="-" if rule.halts else ":", linewidth=1.2
        )
        height = 0.36 - 0.066 * index
        axes.annotate(
            rule.name, (rule.epoch, height), xytext=(5, 0), xycoords=("data", "axes fraction"),
            textcoords="offset points", fontsize=8.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},  # another rule's line may pass behind it
        )  # fmt: skip


def draw_curves(path: Path, curves: dict[str, list[pd.DataFrame]], title: str) -> None:
    """Raw MF loss of trainings by repair, one line a seed, on a log axis, named where they end.

    Args:
        path: PNG to write.
        curves: repair -> tables by epoch, one a seed.
        title: above the picture.
    """
    with mpl.rc_context({"font.size": 10, "svg.hashsalt": "neuromf"}):
        figure = Figure(figsize=(9.6, 5.2), dpi=120)
        axes = figure.subplots()
        ends = {name: _draw_repair(axes, name, tables) for name, tables in curves.items()}
        axes.set_yscale("log")
        axes.set_xlabel("epoch of 30 micro-batches")
        axes.set_ylabel("raw MF loss, squared latent per dim, median of the epoch")
        axes.grid(alpha=0.25, linewidth=0.5)
        axes.set_title(title)
        _name_ends(axes, ends)
        figure.tight_layout()
        figure.savefig(path)


@dataclass(frozen=True)
class _End:
    """Where a repair's lines end: the median over seeds, and the colour of what came of it."""

    epoch: float
    loss: float
    colour: str


def _draw_repair(axes: Axes, name: str, tables: list[pd.DataFrame]) -> _End:
    # numpy's median keeps a NaN, which sorting would hide.
    start, loss = (float(np.median([table["raw_mf"].iloc[row] for table in tables])) for row in (0, -1))
    colour = "black" if name == "none" else next(colour for growth, colour in OUTCOMES if not loss < growth * start)
    for table in tables:
        axes.plot(table.index, table["raw_mf"], color=colour, linewidth=1.2, alpha=0.7)
    return _End(float(max(table.index[-1] for table in tables)), loss, colour)


def _name_ends(axes: Axes, ends: dict[str, _End]) -> None:
    """Names in the order of the ends, moved apart so that none covers another, each tied to its end."""
    low, high = axes.get_ylim()
    # What is no number, or off the axis, is named at its upper end.
    height = {name: end.loss if low < end.loss < high else high for name, end in ends.items()}
    ordered = sorted(ends, key=lambda name: height[name])
    places = [math.log(height[name] / low) / math.log(high / low) for name in ordered]
    for name, place in zip(ordered, spread(places, gap=0.048), strict=True):
        end = ends[name]
        axes.annotate(
            name.replace("_", " "), (end.epoch, height[name]), xytext=(1.03, place), textcoords="axes fraction",
            color=end.colour, fontsize=8.5, va="center",
            arrowprops={"arrowstyle": "-", "color": end.colour, "linewidth": 0.5, "alpha": 0.6},
        )  # fmt: skip


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Places moved as little as an upward and a downward pass do, so that neighbours are at least `gap` apart.

    Args:
        places: from 0 to 1, rising.
        gap: least distance; all of them must fit between 0 and 1.
    """
    moved = list(places)
    for index in range(1, len(moved)):
        moved[index] = max(moved[index], moved[index - 1] + gap)
    ceiling = 1.0
    for index in reversed(range(len(moved))):
        moved[index] = ceiling = min(moved[index], ceiling)
        ceiling -= gap
    return moved
