"""NIfTI volumes in and out, with every way a file can be bad turned into one sentence."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from neuromf.data.nifti_file import read_image
from neuromf.errors import InputError

_GZIP_LEVEL = 1


@dataclass(frozen=True)
class Volume:
    """One scan on its grid.

    Attributes:
        data: float32 intensities, shape (X, Y, Z).
        affine: float64 (4, 4) map from voxel index to world millimetres.
        notes: what is doubtful in the header, each a sentence.
    """

    data: NDArray[np.float32]
    affine: NDArray[np.float64]
    notes: tuple[str, ...] = ()


def read_volume(path: Path) -> Volume:
    """Read a 3-D NIfTI scan.

    Args:
        path: a `.nii` or `.nii.gz` file; a trailing fourth axis of length one is dropped.

    Returns:
        The volume, finite and not constant.

    Raises:
        InputError: if the file is missing, truncated, damaged by its own checksum, longer than its header says, not
            NIfTI, not 3-D, not of real numbers, empty, non-finite or constant, or if its affine is singular.
    """
    data, affine, notes = read_image(path)
    _check_data(data, path)
    _check_affine(affine, path)
    return Volume(np.ascontiguousarray(data), affine, notes)


def write_volume(path: Path, data: NDArray[np.float32] | NDArray[np.int16], affine: NDArray[np.float64]) -> None:
    """Write a 3-D volume; equal input gives equal bytes, because the gzip header carries no time or name.

    Args:
        path: a name ending in `.nii` or `.nii.gz`; parent folders are made.
        data: shape (X, Y, Z); stored with its own type (float64 as float32), without rescaling.
        affine: (4, 4) voxel-to-millimetre map.

    Raises:
        InputError: if the name has another ending or the data is not 3-D.
    """
    if not path.name.endswith((".nii", ".nii.gz")):
        raise InputError(f"cannot tell a format from the name {path.name!r}", remedy="end it in .nii.gz", file=path)
    if data.ndim != 3:
        raise InputError(f"the array has {data.ndim} axes", remedy="write one 3-D volume a file", file=path)
    stored = data.astype(np.float32) if data.dtype == np.float64 else data
    image: Any = nibabel.Nifti1Image(stored, affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    payload: bytes = image.to_bytes()
    if path.name.endswith(".gz"):
        payload = gzip.compress(payload, compresslevel=_GZIP_LEVEL, mtime=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(payload)


def _check_data(data: NDArray[np.float32], path: Path) -> None:
    bad = int(data.size - np.count_nonzero(np.isfinite(data)))
    if bad:
        remedy = "repair the scan with numpy.nan_to_num or leave it out"
        raise InputError(f"{bad} voxels are NaN or infinite", remedy=remedy, file=path)
    if not float(data.max()) > float(data.min()):
        raise InputError(f"every voxel is {float(data.flat[0]):g}", remedy="leave this scan out", file=path)


def _check_affine(affine: NDArray[np.float64], path: Path) -> None:
    determinant = float(np.linalg.det(affine[:3, :3])) if np.all(np.isfinite(affine)) else float("nan")
    if not abs(determinant) > 1e-9:
        remedy = "set the voxel size and orientation in the header (sform or qform)"
        raise InputError(f"the affine is singular (determinant {determinant:g})", remedy=remedy, file=path)
