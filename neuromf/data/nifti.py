"""NIfTI volumes in and out, with every way a file can be bad turned into one sentence."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from neuromf.data.background import fill_background
from neuromf.data.nifti_file import read_image
from neuromf.errors import InputError

_GZIP_LEVEL = 1
_ALIGNED = 2
"""NIFTI_XFORM_ALIGNED_ANAT (nifti1.h): coordinates of an anatomy, which no scanner has given."""
_QFORM_MM = 1e-2
"""Two maps further apart differ by more than the float32 of a quaternion: 2^-24 over 10^3 mm, with a hundredfold room
for the square root that gives its first component."""


@dataclass(frozen=True)
class Volume:
    """One scan on its grid.

    Attributes:
        data: float32 intensities, shape (X, Y, Z).
        affine: float64 (4, 4) map from voxel index to world millimetres.
        notes: what is doubtful in the header, each a sentence.
        filled: what was taken for background though it was no number, in a sentence; empty where nothing was.
    """

    data: NDArray[np.float32]
    affine: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    filled: str = ""


def read_volume(path: Path) -> Volume:
    """Read a 3-D NIfTI scan.

    Args:
        path: a `.nii` or `.nii.gz` file; a trailing fourth axis of length one is dropped.

    Returns:
        The volume, finite and not constant; NaN outside the head is background, and `filled` says how much.

    Raises:
        InputError: if the file is missing, truncated, damaged by its own checksum, longer than its header says, not
            NIfTI, not 3-D, not of real numbers, empty, infinite, NaN inside the head or constant, or if its affine is
            singular.
    """
    data, affine, notes = read_image(path)
    data, filled = _whole(data, path)
    _check_affine(affine, path)
    return Volume(np.ascontiguousarray(data), affine, notes, filled)


def write_volume(path: Path, data: NDArray[np.float32] | NDArray[np.int16], affine: NDArray[np.float64]) -> None:
    """Write a 3-D volume; equal input gives equal bytes, because the gzip header carries no time or name.

    Args:
        path: a name ending in `.nii` or `.nii.gz`; parent folders are made.
        data: shape (X, Y, Z); stored with its own type (float64 as float32), without rescaling.
        affine: (4, 4) voxel-to-millimetre map. It is written twice, as sform and as qform, for programs differ in which
            of the two they read; as sform alone where a qform cannot hold it, which has no shears.

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
    _orient(image.header, affine)
    payload: bytes = image.to_bytes()
    if path.name.endswith(".gz"):
        payload = gzip.compress(payload, compresslevel=_GZIP_LEVEL, mtime=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(payload)


def _orient(header: Any, affine: NDArray[np.float64]) -> None:  # noqa: ANN401 - nibabel has no types
    """One map under both names and one code: the coordinates are anatomical, not a scanner's."""
    header.set_sform(affine, code=_ALIGNED)
    header.set_qform(affine, code=_ALIGNED, strip_shears=True)
    if not np.allclose(header.get_qform(), affine, rtol=0, atol=_QFORM_MM):
        header.set_qform(None, code=0)


def _whole(data: NDArray[np.float32], path: Path) -> tuple[NDArray[np.float32], str]:
    try:
        filled, note = fill_background(data)
    except InputError as error:
        raise InputError(error.problem, remedy=error.remedy, file=path) from error
    if not float(filled.max()) > float(filled.min()):
        raise InputError(f"every voxel is {float(filled.flat[0]):g}", remedy="leave this scan out", file=path)
    return filled, note


def _check_affine(affine: NDArray[np.float64], path: Path) -> None:
    determinant = float(np.linalg.det(affine[:3, :3])) if np.all(np.isfinite(affine)) else float("nan")
    if not abs(determinant) > 1e-9:
        remedy = "set the voxel size and orientation in the header (sform or qform)"
        raise InputError(f"the affine is singular (determinant {determinant:g})", remedy=remedy, file=path)
