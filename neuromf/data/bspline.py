"""Smooth random fields: cubic B-splines through Gaussian control points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def smooth_field(
    generator: np.random.Generator,
    shape: tuple[int, ...],
    voxel_mm: float,
    spacing_mm: float,
    amplitude: float,
    *,
    components: int,
) -> NDArray[np.float64]:
    """Draw a smooth random field.

    Args:
        generator: source of the control points.
        shape: (X, Y, Z) of the grid.
        voxel_mm: edge of a voxel.
        spacing_mm: distance of control points, hence the field's scale.
        amplitude: standard deviation of a control point; the field's own is about half of it.
        components: number of independent fields.

    Returns:
        float64, shape (components, X, Y, Z).
    """
    bases = [_basis(length, voxel_mm / spacing_mm) for length in shape]
    field = amplitude * generator.standard_normal((components, *(basis.shape[1] for basis in bases)))
    for axis, basis in enumerate(bases, start=1):
        field = np.moveaxis(np.tensordot(basis, field, axes=(1, axis)), 0, axis)
    return field


def _basis(length: int, step: float) -> NDArray[np.float64]:
    """Cubic B-spline weights of each control point at each voxel, shape (length, control points); rows sum to one."""
    position = step * np.arange(length)[:, None] + 1.0
    count = int(np.ceil(step * (length - 1))) + 3
    distance = np.abs(position - np.arange(count)[None, :])
    near = 2.0 / 3.0 - distance**2 + 0.5 * distance**3
    far = np.maximum(2.0 - distance, 0.0) ** 3 / 6.0
    basis: NDArray[np.float64] = np.where(distance < 1.0, near, far)
    return basis
