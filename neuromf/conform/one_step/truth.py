"""Distributions whose one-step map is known, or whose shape is seen at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MEAN, STD = 0.5, 0.4
"""Of the Gaussian's coordinates. Its exact one-step map is x = MEAN + STD e."""
THICKNESS = 0.05
"""Standard deviation of a ring's radius, which is 1."""


@dataclass(frozen=True)
class Truth:
    """A distribution.

    Attributes:
        name: for the report.
        draw: (count, numbers of a sample, generator) -> points (count, numbers).
    """

    name: str
    draw: Callable[[int, int, np.random.Generator], Array]


def draw_gaussian(count: int, dims: int, generator: np.random.Generator) -> Array:
    """Independent coordinates N(MEAN, STD^2)."""
    return MEAN + STD * generator.standard_normal((count, dims))


def draw_rings(count: int, dims: int, generator: np.random.Generator) -> Array:
    """Two coordinates on a ring, and the next two on another; a last one that is left over is as on a ring's axis."""
    pairs = (dims + 1) // 2
    angles, radii = generator.uniform(0, 2 * np.pi, (count, pairs)), generator.normal(1.0, THICKNESS, (count, pairs))
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=2).reshape(count, -1)[:, :dims]


GAUSSIAN = Truth("Gaussian", draw_gaussian)
RING = Truth("ring", draw_rings)
TRUTHS = (GAUSSIAN, RING)
