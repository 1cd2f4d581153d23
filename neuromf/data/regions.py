"""Parts of a preprocessed scan by their depth below the skin, where an autoencoder loses different things."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_RIM_MM, _SHELL_MM = 10.0, 30.0
"""Scalp and skull of an adult are 10 to 15 mm thick together, and the cortex lies within 30 mm of the skin."""
HEAD = "head"
"""The region that a scan is judged by: a dark background is easily kept, and says nothing."""


def head_regions(volume: NDArray[np.float32], spacing_mm: float) -> dict[str, NDArray[np.bool_]]:
    """Masks of a scan's parts, the whole first.

    The head is what is brighter than the mean, with its holes filled. A part that holds no voxel is left out.

    Args:
        volume: (R, A, S), preprocessed.
        spacing_mm: edge of a voxel.
    """
    head = ndimage.binary_fill_holes(volume > volume.mean(dtype=np.float64))
    depth = ndimage.distance_transform_edt(np.pad(head, 1)) * spacing_mm  # padded, for a head may touch the border
    depth = depth[1:-1, 1:-1, 1:-1]
    parts: dict[str, NDArray[np.bool_]] = {
        "whole": np.ones_like(head),
        HEAD: head,
        f"outer {_RIM_MM:g} mm": head & (depth <= _RIM_MM),
        f"{_RIM_MM:g} to {_SHELL_MM:g} mm": (depth > _RIM_MM) & (depth <= _SHELL_MM),
        f"below {_SHELL_MM:g} mm": depth > _SHELL_MM,
        "background": ~head,
    }
    return {name: mask for name, mask in parts.items() if mask.any()}
