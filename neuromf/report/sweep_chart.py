"""The arms of a sweep as paired differences from its base: a mark a seed, the mean and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from neuromf.report.charts import COLOURS, INK, STYLE
from neuromf.report.svg import svg_text
from neuromf.sweep.result import ArmResult

ROW, HEAD, WIDTH = 0.26, 0.8, 8.0
"""Inches of an arm, of the axis, and across."""
LONGEST = 48
"""Letters of an arm's name."""


def differences_svg(arms: Sequence[ArmResult], base: ArmResult, metric: str) -> str:
    """Draw the arms that have a finite difference, first at the top; SVG text, empty where there is none.

    Args:
        arms: without the base.
        base: whose runs of the same seeds they are held to.
        metric: its name, for the axis.
    """
    drawn = [arm for arm in arms if arm.from_base is not None and math.isfinite(arm.from_base.mean)]
    if not drawn:
        return ""
    title = f"{metric}: arm minus base, by seed"
    with mpl.rc_context({**STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=(WIDTH, HEAD + ROW * len(drawn)))
        axes = figure.subplots()
        axes.axvline(0, color=INK, linewidth=0.8)
        for place, arm in enumerate(drawn):
            _draw(axes, place, arm, base)
        names = [arm.record.arm.name for arm in drawn]
        axes.set_yticks(range(len(drawn)), [n if len(n) <= LONGEST else n[: LONGEST - 1] + "…" for n in names])
        for label in axes.get_yticklabels():
            label.set_parse_math(False)
        axes.set_ylim(len(drawn) - 0.5, -0.5)
        axes.set_xlabel(title, color=INK)
        axes.tick_params(colors=INK)
        for spine in axes.spines.values():
            spine.set_color(INK)
        axes.grid(axis="x", color=INK, alpha=0.25, linewidth=0.5)
        figure.tight_layout(pad=0.4)
        figure.set_layout_engine(None)
        return svg_text(figure, title)


def _draw(axes: mpl.axes.Axes, place: int, arm: ArmResult, base: ArmResult) -> None:
    found = arm.from_base
    assert found is not None
    colour = COLOURS[1] if found.is_apart and found.mean > 0 else COLOURS[2] if found.is_apart else COLOURS[0]
    others = base.record.values[arm.record.epochs]
    seeds = [value - others[seed] for seed, value in arm.record.last.items() if seed in others]
    axes.plot(seeds, [place] * len(seeds), "o", color=colour, markersize=3, alpha=0.5)
    if found.is_apart is not None:
        axes.plot([found.low, found.high], [place, place], color=colour, linewidth=1.4)
    axes.plot([found.mean], [place], "|", color=colour, markersize=11, markeredgewidth=2)
