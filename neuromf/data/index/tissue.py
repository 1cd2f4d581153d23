"""How bright grey matter, white matter and fluid are in a head, wherever it lies: what tells contrasts apart.

In a T1-weighted head of an adult white matter is brighter than grey; in T2, PD and FLAIR it is the other way round. The
template's tissue maps are laid where they explain the head best, and its intensities are fitted by them, times a smooth
field for what the coils do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from neuromf.data.index.contrast import coarse, padded, slide, template_on_grid, whole_places
from neuromf.data.template import load_template

OTHER_CONTRAST = 1.15
"""Grey over white from which a head is not an adult's T1. Measured on eight heads of the demo cohort, each as it is,
turned by 12 degrees, and with a coil's field of 1.8 at its rim or 0.75, and on five with a scalp and a neck: T1 0.74 to
0.93; with other brightness of grey, white and fluid T2 (0.55, 0.35, 1) 1.32 to 1.93, PD (0.95, 0.75, 0.9) 1.17 to 1.43,
FLAIR (0.9, 0.7, 0.12) 1.10 to 1.32 and weak FLAIR (0.85, 0.75, 0.2) 1.02 to 1.20. A ball or an ellipsoid of no tissues
has 1.00 to 1.13, for its rim is dark as fluid is: below that nobody can tell."""
DOUBTFUL = 0.97
"""Grey over white from which nobody can tell."""
EXPLAINED = 0.3
"""Share of a head's variance that tissues must explain where they lie, or nothing is said. Measured as above: T1 0.47
to 0.86, FLAIR 0.41 to 0.85, PD 0.31 to 0.78, T2 0.24 to 0.68; a ball of noise 0.31 to 0.41."""
_PASSES = 6
_FIELD = (0.2, 5.0)
"""Least and most of the field, so that a fit that fails stays finite."""
_RIM = 2
"""Cells around the brain's box."""


@dataclass(frozen=True)
class Tissues:
    """What was fitted.

    Attributes:
        grey: brightness of grey matter over that of white; NaN where nothing can be said.
        fluid: of fluid over that of white, likewise.
    """

    grey: float
    fluid: float

    @property
    def is_other_contrast(self) -> bool:
        """Whether grey matter is clearly brighter than white."""
        return self.grey >= OTHER_CONTRAST

    @property
    def is_doubtful(self) -> bool:
        """Whether grey and white matter are about alike."""
        return DOUBTFUL <= self.grey < OTHER_CONTRAST


UNKNOWN = Tissues(float("nan"), float("nan"))


def tissues_of(head: NDArray[np.float64]) -> Tissues:
    """Fit a head on the coarse grid, as `coarse_head` gives it.

    Args:
        head: (X, Y, Z), of any size.
    """
    head = padded(head, _maps().brain.shape)
    maps = _maps()
    squares, whole = slide(head * head, maps.around.astype(float)), slide(head, maps.brain.astype(float))
    mean, *parts = (slide(head, kernel) for kernel in maps.kernels)
    spread = np.maximum(squares - mean**2, 0)
    there = whole_places(spread, whole)
    explained = np.where(there, sum(part**2 for part in parts) / np.where(there, spread, 1), -1)
    place = np.unravel_index(int(explained.argmax()), explained.shape)
    if not explained[place] >= EXPLAINED:
        return UNKNOWN
    window = head[tuple(slice(start, start + size) for start, size in zip(place, maps.brain.shape, strict=True))]
    grey, white, fluid = _fitted(window[maps.brain], maps)
    return Tissues(float(grey / white), float(fluid / white)) if white > 0 else UNKNOWN


@dataclass(frozen=True)
class _Maps:
    brain: NDArray[np.bool_]
    around: NDArray[np.bool_]
    kernels: tuple[NDArray[np.float64], ...]
    shares: NDArray[np.float64]
    field: NDArray[np.float64]


@cache
def _maps() -> _Maps:
    """Tissue shares on the coarse grid, the kernels that find their place, and the field's polynomials.

    Kernels are orthonormal over the brain and the cell around it: a constant, then what brain, grey and white add.
    """
    template, (_, brain, box) = load_template(), template_on_grid()
    grid = [coarse(tissue, template.affine)[box] for tissue in (template.grey, template.white)]
    brain, grey, white = (np.pad(one, _RIM) for one in (brain, *grid))
    around = ndimage.binary_dilation(brain)
    columns = [around, brain, np.where(brain, grey, 0), np.where(brain, white, 0)]
    basis, _ = np.linalg.qr(np.stack([column[around].astype(float) for column in columns], axis=1))
    kernels = []
    for column in basis.T:
        kernel = np.zeros(around.shape)
        kernel[around] = column
        kernels.append(kernel)
    shares = np.stack([grey[brain], white[brain], np.clip(1 - grey - white, 0, 1)[brain]], axis=1)
    return _Maps(brain, around, tuple(kernels), shares, _polynomials(brain))


def _polynomials(brain: NDArray[np.bool_]) -> NDArray[np.float64]:
    """1, x, y, z and their products at the brain's cells, with x, y and z from -1 to 1."""
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in brain.shape), indexing="ij")
    first = [axis[brain] for axis in axes]
    second = [one * other for index, one in enumerate(first) for other in first[index:]]
    return np.stack([np.ones(len(first[0])), *first, *second], axis=1)


def _fitted(values: NDArray[np.float64], maps: _Maps) -> NDArray[np.float64]:
    """Brightness of grey matter, white matter and fluid: least squares of tissues and field in turn."""
    field = np.ones(len(values))
    for _ in range(_PASSES):
        tissues: NDArray[np.float64] = np.linalg.lstsq(maps.shares * field[:, None], values, rcond=None)[0]
        weights = np.linalg.lstsq(maps.field * (maps.shares @ tissues)[:, None], values, rcond=None)[0]
        field = np.clip(maps.field @ weights, *_FIELD)
        field /= field.mean()
    return tissues
