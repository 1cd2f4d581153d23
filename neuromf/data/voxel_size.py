"""Which voxel sizes a brain scan can have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuromf.errors import InputError

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
