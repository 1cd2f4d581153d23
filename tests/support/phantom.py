"""A head of numbers that no rotation, mirroring or rescaling brings onto itself, on any grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats
from scipy.spatial.transform import Rotation

from neuromf.data.nifti import Volume
from neuromf.data.preprocess import Preprocessing

LANDMARKS = {"left": ((-22.0, 4.0, 9.0), 5.0, 400.0), "front": ((6.0, 27.0, -3.0), 4.0, 300.0),
             "top": ((3.0, -8.0, 24.0), 6.0, 250.0)}  # fmt: skip
"""Centre and width in millimetres and brightness of each blob: R, A, S from the middle of the head."""


@dataclass(frozen=True)
class Grid:
    """A scanner's grid.

    Attributes:
        order: which anatomical axis (0 R, 1 A, 2 S) each array axis runs along.
        signs: +1 where the index grows towards R, A or S, -1 where away.
        edges_mm: of a voxel, along each array axis.
        shape: voxels along each array axis.
        tilt_degrees: of the head in the scanner, about R, A and S.
        middle_mm: world place of the grid's middle.
    """

    order: tuple[int, int, int]
    signs: tuple[int, int, int]
    edges_mm: tuple[float, float, float]
    shape: tuple[int, int, int]
    tilt_degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    middle_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def tilt(self) -> NDArray[np.float64]:
        """Directions in the world of the grid's own R, A and S, one a column."""
        matrix: NDArray[np.float64] = Rotation.from_euler("xyz", self.tilt_degrees, degrees=True).as_matrix()
        return matrix

    @property
    def affine(self) -> NDArray[np.float64]:
        """Voxel index to world millimetres."""
        affine = np.eye(4)
        for axis in range(3):
            affine[:3, axis] = self.tilt[:, self.order[axis]] * self.signs[axis] * self.edges_mm[axis]
        affine[:3, 3] = np.array(self.middle_mm) - affine[:3, :3] @ ((np.array(self.shape) - 1) / 2)
        return affine


def phantom(grid: Grid, head_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Volume:
    """The head, with its middle at a place in the world, as a scanner of this grid sees it."""
    indices = np.indices(grid.shape).reshape(3, -1)
    world = grid.affine[:3, :3] @ indices + grid.affine[:3, 3:] - np.array(head_mm)[:, None]
    x, y, z = world
    data = np.where((x / 34) ** 2 + (y / 40) ** 2 + (z / 36) ** 2 < 1, 100 + x + 0.6 * y - 0.3 * z, 2.0)
    for centre, width, brightness in LANDMARKS.values():
        distance = np.linalg.norm(world - np.array(centre)[:, None], axis=0)
        data = data + brightness * np.exp(-0.5 * (distance / width) ** 2)
    return Volume(data.reshape(grid.shape).astype(np.float32), grid.affine)


def place_of(
    name: str, data: NDArray[np.float32], affine: NDArray[np.float64], near: NDArray[np.float64]
) -> NDArray[np.float64]:
    """World place of a landmark: the middle of what is brightest within 1.5 of its widths of where it should be."""
    _, width, _ = LANDMARKS[name]
    indices = np.indices(data.shape).reshape(3, -1)
    world = affine[:3, :3] @ indices + affine[:3, 3:]
    close = np.linalg.norm(world - near[:, None], axis=0) < 1.5 * width
    weights = data.ravel()[close] - data.ravel()[close].min()
    place: NDArray[np.float64] = world[:, close] @ weights / weights.sum()
    return place


def reference_preprocess(data: NDArray[np.float32], grid: Grid, settings: Preprocessing) -> Volume:
    """What preprocessing is by definition, in float64 and without its libraries.

    Blurred along each axis by the Gaussian that a coarser voxel asks for, each voxel the integral over its own width;
    read at the points of an upright grid that starts at the scan's first voxel; cut so that the middle of what is
    brighter than the mean lies in the middle; scaled by percentiles, of the scan itself where it is not clipped above.
    """
    smooth = _blurred(data.astype(float), grid, settings.spacing_mm)
    upright, edges = _upright(smooth, grid)
    first = np.array(grid.middle_mm) - grid.tilt @ (edges * (np.array(upright.shape) - 1) / 2)
    counts = [
        round(edge * (size - 1) / settings.spacing_mm + 1) for edge, size in zip(edges, upright.shape, strict=True)
    ]
    points = np.indices(counts).astype(float) * settings.spacing_mm
    resampled = ndimage.map_coordinates(upright, points / edges[:, None, None, None], order=1, mode="nearest")
    start = _start(resampled, settings.shape)
    cut = np.full(settings.shape, resampled.min())
    inside = tuple(
        slice(max(-one, 0), min(count - one, size))
        for one, count, size in zip(start, counts, settings.shape, strict=True)
    )
    cut[inside] = resampled[
        tuple(slice(max(one, 0), one + size) for one, size in zip(start, settings.shape, strict=True))
    ]
    low, high = np.percentile(cut if settings.clip_above else data, settings.intensity_percentiles)
    affine = np.eye(4)
    affine[:3, :3] = grid.tilt * settings.spacing_mm
    affine[:3, 3] = first + affine[:3, :3] @ start
    scaled = np.clip((cut - low) / (high - low), 0, 1 if settings.clip_above else None)
    return Volume(scaled.astype(np.float32), affine)


def _blurred(data: NDArray[np.float64], grid: Grid, spacing_mm: float) -> NDArray[np.float64]:
    """Blurred to the width that the two voxels differ by: their widths at half maximum add up as squares do."""
    for axis, edge in enumerate(grid.edges_mm):
        if spacing_mm <= edge:
            continue
        sigma = np.sqrt((spacing_mm / edge) ** 2 - 1) / (2 * np.sqrt(2 * np.log(2)))
        reach = int(max(4 * sigma, 0.5) + 0.5)
        weights = np.diff(stats.norm.cdf(np.arange(-reach - 0.5, reach + 1), scale=sigma))
        data = ndimage.correlate1d(data, weights, axis=axis, mode="constant", cval=0.0)
    return data


def _upright(data: NDArray[np.float64], grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The array with axes along the grid's R, A and S, growing, and the edges of its voxels."""
    along = [grid.order.index(axis) for axis in range(3)]
    growing = np.moveaxis(data, along, (0, 1, 2))
    for axis in range(3):
        if grid.signs[along[axis]] < 0:
            growing = np.flip(growing, axis)
    return growing, np.array([grid.edges_mm[axis] for axis in along])


def _start(data: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.int64]:
    """Index of the first voxel of the cut; the foreground's middle is that of its 1st and 99th percentile."""
    ends = np.percentile(np.argwhere(data > data.mean()), (1, 99), axis=0)
    start: NDArray[np.int64] = np.floor(ends.mean(axis=0) - (np.array(shape) - 1) / 2 + 0.5).astype(int)
    return start
