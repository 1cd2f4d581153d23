"""A first look at a NIfTI file, which costs little: it clears a scan, and condemns none but by its header."""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from neuromf.data.voxel_size import check_voxel_size
from neuromf.errors import InputError

_FROM, _TO = 8, 4
"""Slices are read at an eighth and a quarter of the volume: a gzip stream has to be unpacked from its beginning."""
UNREADABLE = (
    ImageFileError, HeaderDataError, AttributeError, OSError, EOFError, zlib.error, ValueError, TypeError,
    OverflowError, MemoryError, IndexError,
)  # fmt: skip
"""What nibabel raises for files that it cannot read."""


def looks_sound(path: Path, *, voxels: bool) -> bool:
    """Whether nothing looks wrong with a file; where something does, reading it whole decides.

    Args:
        path: the file.
        voxels: look at some voxels too, not at the header and the size alone.

    Raises:
        InputError: by its header the file is no brain scan, which reading it would not tell.
    """
    try:
        image: Any = nibabel.load(path)
        affine = np.asarray(image.affine, dtype=np.float64)
        kind = image.get_data_dtype()
        sound = _sound_grid(image, affine, path)
    except UNREADABLE:
        return False
    if kind.kind not in "iuf":
        remedy = "extract the magnitude, or one channel, as a volume of numbers"
        raise InputError(f"its voxels are of type {kind}", remedy=remedy, file=path)
    if not sound:
        return False
    check_voxel_size(affine)
    try:
        return not voxels or _sound_voxels(image)
    except UNREADABLE:
        return False


def _sound_grid(image: Any, affine: NDArray[np.float64], path: Path) -> bool:  # noqa: ANN401
    """Three axes with voxels, an affine that maps them, and a file of the size that these need."""
    shape = image.shape
    if len(shape) not in (3, 4) or math.prod(shape[3:]) != 1 or not math.prod(shape):
        return False
    if not abs(float(np.linalg.det(affine[:3, :3]))) > 1e-9:
        return False
    needed = int(image.dataobj.offset) + math.prod(shape) * int(image.get_data_dtype().itemsize)
    if path.name.lower().endswith(".gz"):
        return bool(_unpacked_size(path) == needed % 2**32)
    return bool(path.stat().st_size >= needed)


def _unpacked_size(path: Path) -> int:
    """What gzip's last four bytes say, modulo 2^32: of a file cut short they are any number."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        size: int = struct.unpack("<I", file.read(4))[0]
    return size


def _sound_voxels(image: Any) -> bool:  # noqa: ANN401
    """Two slices, finite and not all alike."""
    depth = image.shape[2]
    step = max(1, depth // _TO - depth // _FROM)
    some = slice(depth // _FROM, depth // _TO + 1, step)
    values = np.asarray(image.dataobj[(slice(None), slice(None), some) + (0,) * (len(image.shape) - 3)])
    return bool(np.isfinite(values).all()) and bool(values.max() > values.min())
