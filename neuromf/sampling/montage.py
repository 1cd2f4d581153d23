"""Volumes as rows of mid-slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

MARGIN = 0.45
"""Inches at the left, for two lines of label."""
TITLE_INCHES = 0.068
"""Width of a letter of the title, on the average."""
PLANES = ("sagittal", "coronal", "axial")


def draw_montage(path: Path, groups: dict[str, list[np.ndarray]], title: str) -> None:
    """Draw the three mid-slices of each volume, one row a volume, one block of rows a group.

    Args:
        path: PNG to write.
        groups: name -> volumes (R, A, S) in [0, 1].
        title: line above the picture.
    """
    columns = max(len(volumes) for volumes in groups.values())
    rows = [(name, volumes, axis) for name, volumes in groups.items() for axis in range(len(PLANES))]
    width = max(1.7 * columns + MARGIN, TITLE_INCHES * len(title))
    figure = Figure(figsize=(width, 1.75 * len(rows) + 0.4), facecolor="black", dpi=110)
    for row, (name, volumes, axis) in enumerate(rows):
        for column, volume in enumerate(volumes):
            axes = figure.add_subplot(len(rows), columns, row * columns + column + 1)
            axes.set_axis_off()
            axes.imshow(mid_slice(volume, axis), cmap="gray", vmin=0, vmax=1)
            if column == 0:
                _label(axes, f"{name}\n{PLANES[axis]}")
    figure.suptitle(title, color="white", fontsize=9)
    top = 1 - 0.35 / figure.get_figheight()
    figure.subplots_adjust(left=MARGIN / width, right=0.995, bottom=0.005, top=top, wspace=0.02, hspace=0.02)
    figure.savefig(path)


def _label(axes: Axes, text: str) -> None:
    axes.annotate(
        text, (0, 0.5), xycoords="axes fraction", xytext=(-4, 0), textcoords="offset points", color="white", fontsize=7,
        rotation=90, ha="right", va="center",
    )  # fmt: skip


def mid_slice(volume: np.ndarray, axis: int) -> np.ndarray:
    """Middle slice across `axis` of a volume (R, A, S), superior or anterior up."""
    return np.rot90(np.take(volume, volume.shape[axis] // 2, axis=axis))
