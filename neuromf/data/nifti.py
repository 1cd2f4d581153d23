"""NIfTI volumes in and out, with every way a file can be bad turned into one sentence."""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from neuromf.errors import InputError

_GZIP_LEVEL = 1


@dataclass(frozen=True)
class Volume:
    """One scan on its grid.

    Attributes:
        data: float32 intensities, shape (X, Y, Z).
        affine: float64 (4, 4) map from voxel index to world millimetres.
        notes: what the header contradicts itself in, each a sentence.
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
        InputError: if the file is missing, cannot be read, is truncated, damaged by its checksum, not NIfTI, not 3-D,
            empty, non-finite or constant, or if its affine is singular.
    """
    data, affine, notes = _load(path)
    if data.ndim == 4 and data.shape[3] == 1:
        data = data[..., 0]
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


def contradictions(header: Any) -> tuple[str, ...]:  # noqa: ANN401
    """What a NIfTI header says in two ways that differ: the orientation by its sform and by its qform.

    The sform is used, as nibabel does.
    """
    sform, sform_code = header.get_sform(coded=True)
    qform, qform_code = header.get_qform(coded=True)
    if not (sform_code > 0 and qform_code > 0):
        return ()
    by_sform, by_qform = ("".join(str(code) for code in _axes(form)) for form in (sform, qform))
    if by_sform == by_qform:
        return ()
    mirrored = np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0
    what = "left and right may be exchanged" if mirrored else "the head may be turned"
    return (f"its sform says {by_sform} and its qform {by_qform}: the sform is used, {what}",)


def _axes(form: NDArray[np.float64]) -> tuple[str, ...]:
    codes: tuple[str, ...] = nibabel.aff2axcodes(form)  # type: ignore[no-untyped-call]
    return codes


def _load(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64], tuple[str, ...]]:
    if not path.is_file():
        raise InputError("there is no such file", remedy="check the path", file=path)
    if path.stat().st_size == 0:
        raise InputError("the file is empty (0 bytes)", remedy="copy it again from its source", file=path)
    try:
        content = path.read_bytes()  # gzip's to the end, where its checksum and length stand
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise InputError(problem, remedy="check its permissions and the disk", file=path) from error
    try:
        image = _image(gzip.decompress(content) if path.name.lower().endswith(".gz") else content)
        _check_stored(image, path)
        affine = np.asarray(image.affine, dtype=np.float64)
        data = np.asarray(image.get_fdata(dtype=np.float32, caching="unchanged"))
        return data, affine, contradictions(image.header)
    except (ImageFileError, HeaderDataError, AttributeError) as error:
        raise InputError("this is not a NIfTI file", remedy="convert it with dcm2niix or nibabel", file=path) from error
    except (OSError, EOFError, zlib.error, ValueError, TypeError, OverflowError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"the file is truncated or damaged ({reason})", remedy="copy it again from its source", file=path
        ) from error


def _image(content: bytes) -> Any:  # noqa: ANN401
    """The image, of NIfTI-1 or NIfTI-2, with no byte that its header does not account for but zeros."""
    kinds = (nibabel.Nifti1Image, nibabel.Nifti2Image)
    sizes = {kind.header_class.sizeof_hdr: kind for kind in kinds}
    size = int.from_bytes(content[:4], "little")
    kind = sizes.get(size) or sizes.get(int.from_bytes(content[:4], "big"))
    if kind is None:
        raise ImageFileError("no NIfTI header")
    image: Any = kind.from_bytes(content)
    end = int(image.dataobj.offset) + math.prod(image.shape) * image.get_data_dtype().itemsize
    if content[end:].strip(b"\0"):
        raise ValueError("it holds more bytes than its header says")
    return image


def _check_stored(image: Any, path: Path) -> None:  # noqa: ANN401
    kind = image.get_data_dtype()
    if kind.kind not in "iuf":
        remedy = "extract the magnitude, or one channel, as a volume of numbers"
        raise InputError(f"its voxels are of type {kind}", remedy=remedy, file=path)


def _check_data(data: NDArray[np.float32], path: Path) -> None:
    if data.ndim != 3:
        remedy = "extract one volume, for example with nibabel.four_to_three"
        raise InputError(f"the image has shape {data.shape}, not three axes", remedy=remedy, file=path)
    if data.size == 0:
        raise InputError(f"the image has no voxels (shape {data.shape})", remedy="leave this scan out", file=path)
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
