"""A NIfTI file opened with every check that gzip and NIfTI have of their own.

Readers that take what they need and stop never reach the checksum at the end of a gzip, and a file that is longer than
its header says holds something that nobody looked at.
"""

from __future__ import annotations

import errno
import gzip
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from neuromf.data.orientation import orientation_notes
from neuromf.errors import InputError, UnreadableError

_GZIP = b"\x1f\x8b"
_LARGEST_RATIO = 1040
"""Bytes that one byte of gzip can stand for, rounded up; the limit of deflate is 1032."""
_PIECE = 1 << 20
_NOT_GIVEN = frozenset({errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENXIO})
_AGAIN = "copy it again from its source"


def read_image(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64], tuple[str, ...]]:
    """Read voxels, affine and what is doubtful, to the last byte of the file.

    Returns:
        Scaled float32 voxels of three axes, the float64 (4, 4) map from voxel index to world millimetres, and sentences
        on what is doubtful in the header.

    Raises:
        InputError: the file is missing, damaged by its own checks, no NIfTI, of other axes, or not of real numbers.
    """
    with _opened(path) as stream:
        image = _image(stream, path)
        affine = np.asarray(image.affine, dtype=np.float64)
        data = np.asarray(image.get_fdata(dtype=np.float32, caching="unchanged"))
        surplus = 0
        while piece := stream.read(_PIECE):  # the end is reached for gzip's checksum and length, which stand there
            surplus += len(piece)
        if surplus:
            raise InputError(f"{surplus} bytes more than its header says", remedy=_AGAIN, file=path)
    return (data[..., 0] if data.ndim == 4 else data), affine, orientation_notes(image.header)


def read_header(path: Path) -> tuple[Any, tuple[str, ...]]:
    """Check what can be checked without voxels.

    Returns:
        nibabel's header, and sentences on what is doubtful in it.

    Raises:
        InputError: as `read_image`, for what the header and the file's size tell.
    """
    with _opened(path) as stream:
        header = _image(stream, path).header
        return header, orientation_notes(header)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's content, decompressed; what its reader stumbles over becomes one sentence."""
    if not path.is_file():
        raise InputError("there is no such file", remedy="check the path", file=path)
    try:
        with path.open("rb") as raw:
            start = raw.read(2)
            raw.seek(0)
            if not start:
                raise InputError("the file is empty (0 bytes)", remedy=_AGAIN, file=path)
            compressed = path.name.lower().endswith(".gz")
            if compressed != (start == _GZIP):
                problem = "its name ends in .gz but it is not gzip" if compressed else "it is gzip, but its name is not"
                raise InputError(problem, remedy="copy it again, or give it the name that fits", file=path)
            yield cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if compressed else raw
    except (ImageFileError, HeaderDataError, AttributeError) as error:
        problem = f"this is not a NIfTI file that can be read ({_reason(error)})"
        raise InputError(problem, remedy="convert it with dcm2niix or nibabel", file=path) from error
    except OSError as error:
        if error.errno in _NOT_GIVEN:  # nothing is known of what the file holds
            raise UnreadableError.of(path, error) from error
        what = "gzip's own check fails, the file" if isinstance(error, gzip.BadGzipFile) else "the file is truncated or"
        problem = f"{what} is damaged ({_reason(error)})".replace("or is damaged", "or damaged")
        raise InputError(problem, remedy=_AGAIN, file=path) from error
    except (EOFError, zlib.error, ValueError, TypeError, OverflowError, MemoryError) as error:
        problem = f"the file is truncated or damaged ({_reason(error)})"
        raise InputError(problem, remedy=_AGAIN, file=path) from error


def _reason(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _image(stream: IO[bytes], path: Path) -> Any:  # noqa: ANN401 - nibabel has no types
    """The image whose voxels are read when they are asked for, with its header checked."""
    block = stream.read(540)
    stream.seek(0)
    kinds: tuple[Any, ...] = (nibabel.Nifti1Image, nibabel.Nifti2Image)
    kind = next((kind for kind in kinds if kind.header_class.may_contain_header(block)), None)
    if kind is None:
        raise InputError("this is not a NIfTI file", remedy="convert it with dcm2niix or nibabel", file=path)
    _check_header(kind.header_class(block[: kind.header_class.sizeof_hdr], check=False), path)
    image = kind.from_file_map(kind.make_file_map({"image": stream}), mmap=False)
    _check_size(image, path)
    return image


def _check_header(header: Any, path: Path) -> None:  # noqa: ANN401
    """What nibabel mends or leaves without a word."""
    if header["magic"].item() != header.single_magic:
        problem = "it is one half of a pair of header and image"
        raise InputError(problem, remedy="convert the pair to one .nii file with nibabel", file=path, key="magic")
    dtype, shape = header.get_data_dtype(), tuple(int(size) for size in header.get_data_shape())
    if dtype.kind not in "iuf":
        kind = "complex numbers" if dtype.kind == "c" else "colours or bits"
        raise InputError(f"its voxels are {kind}", remedy="leave this file out", file=path, key="datatype")
    if int(header["bitpix"]) != dtype.itemsize * 8:
        problem = f"voxels of {int(header['bitpix'])} bits by one field and {dtype.itemsize * 8} by another"
        raise InputError(problem, remedy=_AGAIN, file=path, key="bitpix")
    if len(shape) != 3 and not (len(shape) == 4 and shape[3] == 1):
        remedy = "extract one volume, for example with nibabel.four_to_three"
        raise InputError(f"the image has shape {shape}, not three axes", remedy=remedy, file=path)
    if not all(size > 0 for size in shape):
        raise InputError(f"the image has no voxels (shape {shape})", remedy="leave this scan out", file=path)
    _check_scaling(float(header["scl_slope"]), float(header["scl_inter"]), path)


def _check_scaling(slope: float, intercept: float, path: Path) -> None:
    """A slope of 0 or NaN means that nothing is scaled; any other scales, and must be a number, as its intercept."""
    remedy = "write the scan again with the true slope and intercept"
    if np.isinf(slope):
        raise InputError(f"the voxels' slope is {slope:g}", remedy=remedy, file=path, key="scl_slope")
    if slope != 0 and not np.isnan(slope) and not np.isfinite(intercept):
        raise InputError(f"the voxels' intercept is {intercept:g}", remedy=remedy, file=path, key="scl_inter")


def _check_size(image: Any, path: Path) -> None:  # noqa: ANN401
    """Before memory is taken for what the header promises."""
    voxels = math.prod(int(size) for size in image.shape)
    promised = int(image.dataobj.offset) + voxels * image.header.get_data_dtype().itemsize
    held = os.stat(path).st_size
    compressed = path.name.lower().endswith(".gz")
    if promised > held * (_LARGEST_RATIO if compressed else 1):
        problem = f"the file is truncated: its header says {promised} bytes, it holds {held}"
        raise InputError(problem, remedy=_AGAIN, file=path)
    if not compressed and held > promised:
        raise InputError(f"{held - promised} bytes more than its header says", remedy=_AGAIN, file=path)
