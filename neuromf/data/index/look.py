"""What one file is, by its header and its voxels: a head, or something else that stands among heads."""

from __future__ import annotations

import hashlib
import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.affines import obliquity, voxel_sizes
from numpy.typing import NDArray

from neuromf.data.index.contrast import coarse_head, likeness_to_t1
from neuromf.data.index.tissue import tissues_of
from neuromf.data.nifti import Volume, read_volume
from neuromf.data.nifti_file import read_header
from neuromf.data.scan_screen import UNREADABLE
from neuromf.errors import InputError

FEWEST_SLICES = 16
"""Slices along an axis below which a file is a localiser: three planes of three to five slices. A clinical scan of
thick slices has 19 to 30."""
LEAST_EXTENT_MM = 70.0
"""Extent along an axis below which no brain fits: the template's is 150 x 180 x 156 mm, a newborn's two thirds."""
LABELS_ALIKE = 0.5
"""Share of neighbouring voxels of one value, zeros aside, from which whole numbers are labels. Measured on the
template: tissue labels 0.83, a mask 1.0; T1 in 8 bits 0.05 to 0.09, in 6 bits 0.18."""
OBLIQUE_DEGREES = 1.0
"""Angle from the scanner's axes from which a grid is called oblique."""


@dataclass(frozen=True)
class Look:
    """What a file shows.

    Attributes:
        shape: voxels along each axis, as "256x256x128"; "" where the header cannot be read.
        spacing_mm: edge of a voxel along each axis, as "1x1x1.25".
        orientation: nearest directions of the axes, as "RAS", and whether the grid is oblique.
        voxels: hash of the values along right, anterior, superior: equal for equal voxels, however they are stored.
        reason: why it is set aside, "" where nothing speaks against it.
        notes: what is doubtful in it, sentences.
    """

    shape: str = ""
    spacing_mm: str = ""
    orientation: str = ""
    voxels: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


UNSEEN = Look()


def look_at(path: Path, *, voxels: bool = True, modality: str = "") -> Look:
    """Look at a file.

    Args:
        path: a NIfTI file.
        voxels: read them too; without, the header alone is judged.
        modality: contrast that its name tells; voxels that say otherwise are doubtful then, and set aside where it
            tells none.
    """
    try:
        header, notes = read_header(path)
    except InputError as error:
        return _refused(path, error)
    try:
        if reason := _no_head(header):
            return _placed(header, reason=reason)
        if not voxels:
            return _placed(header, notes=notes)
        volume = read_volume(path)
    except InputError as error:
        return _placed(header, reason=f"cannot be used: {error.problem}")
    reason, doubts = _judged(volume, modality)
    return _placed(header, voxels=voxel_hash(volume), reason=reason, notes=(*volume.notes, *doubts))


def voxel_hash(volume: Volume) -> str:
    """Hexadecimal sha256 of a volume's values on the axes nearest to right, anterior and superior."""
    image = nibabel.as_closest_canonical(nibabel.Nifti1Image(volume.data, volume.affine))  # type: ignore[no-untyped-call]
    values = np.ascontiguousarray(np.asarray(image.dataobj, dtype="<f4") + 0.0)  # -0 is 0
    return hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest()


def are_labels(data: NDArray[np.float32]) -> bool:
    """Whether values are whole numbers in patches, as labels and masks are."""
    if not bool((data == np.rint(data)).all()):
        return False
    alike = pairs = 0
    for axis in range(data.ndim):
        one, other = np.moveaxis(data, axis, 0)[:-1], np.moveaxis(data, axis, 0)[1:]
        both = (one != 0) & (other != 0)
        pairs += int(both.sum())
        alike += int((one == other)[both].sum())
    return pairs > 0 and alike / pairs >= LABELS_ALIKE


def _refused(path: Path, error: InputError) -> Look:
    """What a file is whose header is that of no scan: a series of volumes is one, which only nibabel reads."""
    header: Any = None
    with suppress(*UNREADABLE):
        header = nibabel.load(path).header
    volumes = 1 if header is None else math.prod(header.get_data_shape()[3:])
    series = f"a series of {volumes} volumes, not one head"
    return _placed(header, reason=series if volumes > 1 else f"cannot be used: {error.problem}")


def _no_head(header: Any) -> str:  # noqa: ANN401
    """Why the grid can hold no head."""
    shape = header.get_data_shape()[:3]
    extents = [size * edge for size, edge in zip(shape, header.get_zooms()[:3], strict=True)]
    if min(shape) < FEWEST_SLICES:
        return f"a localiser or a slab: {min(shape)} slices along an axis"
    if not min(extents) >= LEAST_EXTENT_MM:
        return f"a localiser or a slab: it covers {min(extents):.0f} mm along an axis"
    return ""


def _judged(volume: Volume, modality: str) -> tuple[str, tuple[str, ...]]:
    """Why voxels are set aside, and what is doubtful in them."""
    if are_labels(volume.data):
        return "its voxels are labels: whole numbers in patches", ()
    head = coarse_head(volume.data, volume.affine)
    likeness, tissues = likeness_to_t1(head), tissues_of(head)
    seen = ""
    if likeness.is_t2:
        seen = f"its voxels look T2-weighted: fluid is bright (correlation with a T1 brain {likeness.inverted:.2f})"
    elif tissues.is_other_contrast:
        seen = f"its voxels look T2-, PD- or FLAIR-weighted: grey matter is {tissues.grey:.2f} times as bright as white"
    if seen:
        return ("", (seen,)) if modality else (seen, ())
    if tissues.is_doubtful:
        return "", ("its voxels do not tell its contrast: grey matter is about as bright as white",)
    if not likeness.is_t1:
        return "", (f"its voxels look little like a T1-weighted brain (correlation {likeness.straight:.2f})",)
    return "", ()


def _placed(header: Any, **more: Any) -> Look:  # noqa: ANN401
    if header is None:
        return Look(**more)
    affine = header.get_best_affine()
    shape, edges = header.get_data_shape(), voxel_sizes(affine)  # type: ignore[no-untyped-call]
    try:
        codes = "".join(code or "?" for code in nibabel.aff2axcodes(affine))  # type: ignore[no-untyped-call]
        oblique = float(np.degrees(obliquity(affine)).max()) > OBLIQUE_DEGREES  # type: ignore[no-untyped-call]
    except (ValueError, np.linalg.LinAlgError):  # an affine that maps no volume
        codes, oblique = "unknown", False
    return Look(
        shape="x".join(str(size) for size in shape),
        spacing_mm="x".join(f"{edge:.4g}" for edge in edges),
        orientation=f"{codes} oblique" if oblique else codes,
        **more,
    )
