"""Pictures of the failed run: as recorded, and as trained again."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.replay.recorded import RecordedRun, curve
from tools.replay.rules import Rule, readings

CHANNELS = ("ch0", "ch1", "ch2", "ch3")
COLOURS = ("#2f7ed8", "#e0662b", "#2a9d5c", "#a35bd6")
BLIND, ALARM = "#6b6f76", "#c0392b"


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
        axes.annotate(f" {rule.name}", (rule.epoch, height), xycoords=("data", "axes fraction"), fontsize=8.5)


def draw_curves(path: Path, curves: dict[str, list[pd.DataFrame]], title: str) -> None:
    """Raw MF loss of trainings by repair, one line a seed, on a log axis.

    Args:
        path: PNG to write.
        curves: repair -> tables by epoch, one a seed.
        title: above the picture.
    """
    with mpl.rc_context({"font.size": 10, "svg.hashsalt": "neuromf"}):
        figure = Figure(figsize=(9.6, 5.2), dpi=120)
        axes = figure.subplots()
        colours = mpl.colormaps["tab20"].resampled(max(len(curves), 2))
        for index, (name, tables) in enumerate(curves.items()):
            for seed, table in enumerate(tables):
                label = name if seed == 0 else None
                axes.plot(table.index, table["raw_mf"], color=colours(index), label=label, linewidth=1.2, alpha=0.9)
        axes.set_yscale("log")
        axes.set_xlabel("epoch of 30 micro-batches")
        axes.set_ylabel("raw MF loss, squared latent per dim, median of the epoch")
        axes.grid(alpha=0.25, linewidth=0.5)
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        axes.set_title(title)
        figure.tight_layout()
        figure.savefig(path)
