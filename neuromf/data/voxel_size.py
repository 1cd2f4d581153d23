"""Which voxels and which field of view a brain scan can have."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuromf.errors import InputError

_MOST_VOXELS = 2**29
"""Voxels of a resampled scan: 2 GiB in float32, of which resampling holds three. A whole body of 0.5 x 0.5 x 2 m has
this many at 1 mm."""
_SMALLEST_VOXEL_MM, _LARGEST_VOXEL_MM = 0.05, 50.0  # beyond, resampling needs more memory than a machine has


def check_voxel_size(affine: NDArray[np.float64]) -> None:
    """Judge the edges of a voxel by the affine (4, 4) that maps voxel indices to millimetres.

    Raises:
        InputError: an edge is shorter or longer than that of any scan, or not a number.
    """
    edges = np.linalg.norm(affine[:3, :3], axis=0)
    if not (edges >= _SMALLEST_VOXEL_MM).all() or not (edges <= _LARGEST_VOXEL_MM).all():
        problem = f"voxels of {' x '.join(f'{edge:.4g}' for edge in edges)} mm are no brain scan"
        raise InputError(problem, remedy="correct the affine or leave this scan out", key="affine")


def check_field_of_view(affine: NDArray[np.float64], shape: Sequence[int], spacing_mm: float) -> None:
    """Judge how many voxels a scan has once it is resampled.

    Args:
        affine: (4, 4) voxel-to-millimetre map.
        shape: voxels along each axis.
        spacing_mm: edge of a voxel after resampling.

    Raises:
        InputError: more than a machine can be asked to hold.
    """
    lengths = [size * float(edge) for size, edge in zip(shape, np.linalg.norm(affine[:3, :3], axis=0), strict=True)]
    voxels = math.prod(max(1.0, length / spacing_mm) for length in lengths)
    if not voxels <= _MOST_VOXELS:
        extent = " x ".join(f"{length:.4g}" for length in lengths)
        problem = f"a field of view of {extent} mm has {voxels:.3g} voxels of {spacing_mm:g} mm, no brain scan's"
        remedy = "correct the voxel size in its header, cut the head out, or leave this scan out"
        raise InputError(problem, remedy=remedy, key="affine")
