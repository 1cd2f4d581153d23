"""Volumes as rows of mid-slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
    figure = Figure(figsize=(1.7 * columns, 1.75 * len(rows) + 0.4), facecolor="black", dpi=110)
    for row, (name, volumes, axis) in enumerate(rows):
        for column, volume in enumerate(volumes):
            axes = figure.add_subplot(len(rows), columns, row * columns + column + 1)
            axes.set_axis_off()
            axes.imshow(mid_slice(volume, axis), cmap="gray", vmin=0, vmax=1)
            if column == 0:
                _label(axes, f"{name}\n{PLANES[axis]}")
    figure.suptitle(title, color="white", fontsize=9)
    top = 1 - 0.35 / figure.get_figheight()
    figure.subplots_adjust(left=0.08, right=0.995, bottom=0.005, top=top, wspace=0.02, hspace=0.02)
    figure.savefig(path)


def _label(axes: Axes, text: str) -> None:
    place = axes.transAxes
    axes.text(-0.06, 0.5, text, color="white", fontsize=7, rotation=90, ha="right", va="center", transform=place)


def mid_slice(volume: np.ndarray, axis: int) -> np.ndarray:
    """Middle slice across `axis` of a volume (R, A, S), superior or anterior up."""
    return np.rot90(np.take(volume, volume.shape[axis] // 2, axis=axis))
