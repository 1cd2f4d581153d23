"""Whether voxels look like a T1-weighted brain: their correlation with the MNI152 template, wherever the head lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import nibabel
import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from scipy import ndimage, signal

from neuromf.data.template import load_template

STEP_MM = 6.0
"""Grid on which a head is compared: ventricles and cortex are told apart, differences between people matter little."""
LIKE_T1 = 0.5
"""Correlation from which a scan looks T1-weighted. Measured: the template 1.0, heads of the demo cohort 0.78 to 0.90,
other contrasts made of the template's tissue maps: T2 0.34, PD 0.44; a map of grey matter 0.24, noise 0.23. FLAIR has
0.76: fluid is dark there too, and voxels alone do not tell it from T1 here."""
INVERTED = -0.35
"""Correlation below which fluid is bright, as in T2. Measured: T2 -0.52; the least of a T1-weighted head is -0.14."""
_WHOLE = 0.85
"""Least share of the brightest place's signal that a place must hold to be taken for the brain's."""


@dataclass(frozen=True)
class Likeness:
    """How a scan correlates with a T1-weighted brain.

    Attributes:
        straight: largest correlation with the template over all places, -1 to 1.
        inverted: smallest.
    """

    straight: float
    inverted: float

    @property
    def is_t2(self) -> bool:
        """Whether fluid is bright and tissue dark."""
        return self.inverted < INVERTED and not self.straight >= LIKE_T1

    @property
    def is_t1(self) -> bool:
        """Whether it looks like a T1-weighted brain."""
        return self.straight >= LIKE_T1


def coarse_head(data: NDArray[np.float32], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """A volume on the grid on which heads are compared, with 1 for what is about its brightest.

    Args:
        data: (X, Y, Z), finite.
        affine: (4, 4) voxel-to-millimetre map; its translation does not matter.
    """
    head = coarse(data, affine)
    return np.clip(head / max(float(np.percentile(head, 99.5)), 1e-12), 0, 2)


def likeness_to_t1(head: NDArray[np.float64]) -> Likeness:
    """Compare a head with the template.

    Args:
        head: (X, Y, Z), as `coarse_head` gives it.
    """
    template, mask, _ = template_on_grid()
    head = padded(head, mask.shape)
    count = mask.sum()
    kernel = np.where(mask, template - template[mask].mean(), 0)
    kernel /= np.sqrt(np.square(kernel).sum())
    total, squares = slide(head, mask.astype(float)), slide(head * head, mask.astype(float))
    spread = np.maximum(squares - total**2 / count, 0)
    there = whole_places(spread, total)
    values = slide(head, kernel)[there] / np.sqrt(spread[there])
    return Likeness(float(values.max()), float(values.min())) if values.size else Likeness(0.0, 0.0)


def coarse(data: NDArray[np.float32], affine: NDArray[np.float64], step: float = STEP_MM) -> NDArray[np.float64]:
    """The mean of a volume over cells of `step` millimetres, along the axes nearest to right, anterior and superior."""
    image = nibabel.as_closest_canonical(nibabel.Nifti1Image(data, affine))  # type: ignore[no-untyped-call]
    values = np.asarray(image.dataobj, dtype=np.float32)
    sizes = voxel_sizes(image.affine)  # type: ignore[no-untyped-call]
    for axis, size in enumerate(sizes):
        values = _means(values, axis, max(1, int(step / 2 / size)))
    sizes = sizes * [max(1, int(step / 2 / size)) for size in sizes]
    values = ndimage.gaussian_filter(values, [0.4 * step / size for size in sizes], mode="nearest")
    counts = [max(1, round(have * size / step)) for have, size in zip(values.shape, sizes, strict=True)]
    axes = [(np.arange(count) + 0.5) * step / size - 0.5 for count, size in zip(counts, sizes, strict=True)]
    sampled: NDArray[np.float64] = ndimage.map_coordinates(
        values.astype(np.float64), np.meshgrid(*axes, indexing="ij"), order=1, mode="nearest"
    )
    return sampled


def _means(values: NDArray[np.float32], axis: int, factor: int) -> NDArray[np.float32]:
    """Means of `factor` neighbours along an axis; a rest at its end is left out."""
    whole = values.shape[axis] // factor * factor
    if factor == 1 or not whole:
        return values
    moved = np.moveaxis(values, axis, 0)[:whole]
    means: NDArray[np.float32] = np.moveaxis(moved.reshape(-1, factor, *moved.shape[1:]).mean(1), 0, axis)
    return means


def padded(head: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """With room around it, so that a box of this shape lies within at every place that the head may have in it."""
    room = [max(2, (size - have) // 2 + 4) for size, have in zip(shape, head.shape, strict=True)]
    return np.pad(head, [(one, one) for one in room])


def whole_places(spread: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Places that may be the brain's: neither empty, nor with much less signal than the brightest."""
    return (spread > 1e-3 * spread.max()) & (total >= _WHOLE * total.max())


def slide(values: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of products at every place of the kernel within the values."""
    summed: NDArray[np.float64] = signal.fftconvolve(values, kernel[::-1, ::-1, ::-1], mode="valid")
    return summed


@cache
def template_on_grid() -> tuple[NDArray[np.float64], NDArray[np.bool_], tuple[slice, ...]]:
    """The template's brain on the coarse grid, cut to its box, where it is brain, and the box."""
    whole = load_template()
    mask = coarse((whole.t1 > 0.05).astype(np.float32), whole.affine) > 0.5
    box = ndimage.find_objects(mask.astype(int))[0]
    return coarse(whole.t1, whole.affine)[box], mask[box], box
