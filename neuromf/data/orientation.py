"""Which way a NIfTI header says that its voxels lie, where it says so twice."""

from __future__ import annotations

from typing import Any

import nibabel
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

_SAME_SIZE = 0.02
"""Voxel edges further apart than this differ: registered scans carry a sform that scales and shears a little."""
_REMEDY = "look at the scan, then make both the true one, for example with fslorient -copyqform2sform"


def orientation_notes(header: Any) -> tuple[str, ...]:  # noqa: ANN401 - nibabel has no types
    """Sentences on a header whose two orientations contradict each other; empty where they agree or one is given.

    The sform is used then, as NIfTI has it and nibabel does. Programs that take the qform see the head mirrored or
    turned, so one of the two is wrong, and which cannot be told from the header.

    Args:
        header: a nibabel NIfTI header, as it was read.
    """
    sform, sform_code = header.get_sform(coded=True)
    try:
        qform, qform_code = header.get_qform(coded=True)
    except (HeaderDataError, ValueError) as error:  # nibabel has the one for sizes, the other for the quaternion
        if int(header["sform_code"]) > 0:
            return (f"the qform cannot be read ({error}), the sform is used",)
        raise
    if not sform_code > 0 or not qform_code > 0 or not _maps_a_volume(sform) or not _maps_a_volume(qform):
        return ()
    by_sform, by_qform = ("".join(nibabel.aff2axcodes(affine)) for affine in (sform, qform))  # type: ignore[no-untyped-call]
    one, other = (np.linalg.norm(affine[:3, :3], axis=0) for affine in (sform, qform))
    if not np.allclose(one, other, rtol=_SAME_SIZE, atol=0):
        by_sform, by_qform = (" x ".join(f"{edge:.4g}" for edge in edges) for edges in (one, other))
        return (f"the sform says voxels of {by_sform} mm, the qform {by_qform}; the sform is used; {_REMEDY}",)
    mirrored = (_determinant(sform) > 0) != (_determinant(qform) > 0)
    if by_sform == by_qform and not mirrored:
        return ()
    word = "left and right contradict each other" if mirrored else "they are turned against each other"
    return (f"the sform says {by_sform}, the qform {by_qform}: {word}; the sform is used; {_REMEDY}",)


def _determinant(affine: NDArray[np.float64]) -> float:
    return float(np.linalg.det(affine[:3, :3]))


def _maps_a_volume(affine: NDArray[np.float64]) -> bool:
    return bool(np.all(np.isfinite(affine))) and abs(_determinant(affine)) > 1e-9
