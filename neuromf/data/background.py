"""Voxels without a number: background where they lie outside the head, a fault where they lie inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from neuromf.counted import counted
from neuromf.errors import InputError


def fill_background(data: NDArray[np.float32]) -> tuple[NDArray[np.float32], str]:
    """Give NaN voxels outside the head the darkest value of the scan.

    Programs that skull-strip or resample write NaN where they know nothing. Outside the head is what is connected, by
    voxels that are NaN or as dark as the darkest, face to face, with the border of the volume.

    Args:
        data: (X, Y, Z); changed in place where it has such voxels.

    Returns:
        The data, and a sentence with the number of voxels that were filled, empty where none is NaN.

    Raises:
        InputError: a voxel is infinite, all are NaN, or some NaN are enclosed by the head; without a file, which the
            caller knows.
    """
    if bool(np.isfinite(data).all()):
        return data, ""
    _refuse_infinite(data)
    missing = np.isnan(data)
    if bool(missing.all()):
        raise InputError("every voxel is NaN", remedy="leave this scan out")
    darkest = data[~missing].min()
    outside = _reached_from_border(missing | (data == darkest))
    enclosed = int(np.count_nonzero(missing & ~outside))
    if enclosed:
        remedy = "repair the scan, for example with numpy.nan_to_num, or leave it out"
        raise InputError(f"{counted(enclosed, 'voxel')} inside the head {_are(enclosed)} NaN", remedy=remedy)
    count = int(np.count_nonzero(missing))
    data[missing] = darkest
    share = f"{count / data.size:.1%}" if count / data.size >= 0.001 else "below 0.1 %"
    return data, f"{counted(count, 'voxel')} ({share}) {_are(count)} NaN outside the head, taken for background"


def _refuse_infinite(data: NDArray[np.float32]) -> None:
    infinite = int(np.count_nonzero(np.isinf(data)))
    if infinite:
        remedy = "find out which program wrote them and repair the scan, or leave it out"
        raise InputError(f"{counted(infinite, 'voxel')} {_are(infinite)} infinite", remedy=remedy)


def _reached_from_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The voxels of a mask that are connected, face to face, with a voxel of it on the border of the volume."""
    labels, _ = ndimage.label(mask)
    faces = [np.take(labels, side, axis=axis).ravel() for axis in range(labels.ndim) for side in (0, -1)]
    at_border = np.unique(np.concatenate(faces))
    reached: NDArray[np.bool_] = np.isin(labels, at_border[at_border > 0])
    return reached


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
