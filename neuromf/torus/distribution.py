"""The flat torus in four dimensions or more, and how far a sample is from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuromf.evaluation.sliced import mean_distance

DIMS = 4
"""Of the smallest space that the torus lies flat in; the torus itself has two."""
GRID = 128
"""Angles along each circle of the reference: 16,384 equally likely points, with no noise of drawing."""
DIRECTIONS = 64
"""Directions that the sliced distance averages over. With 256 the value moves by 2 to 3 %."""

Points = NDArray[np.float64]


def torus_points(angles_B2: Points) -> Points:
    """Points (cos a, sin a, cos b, sin b) of pairs of angles in radians, as an array (B, 4)."""
    return np.stack([np.cos(angles_B2), np.sin(angles_B2)], axis=2).reshape(-1, DIMS)


def frame(dims: int) -> Points:
    """Orthonormal directions (dims, 4) in which the torus lies in a larger space; in four dimensions the axes."""
    if dims == DIMS:
        return np.eye(DIMS)
    directions: Points = np.linalg.qr(np.random.default_rng(0).standard_normal((dims, DIMS))).Q
    return directions


def draw_points(count: int, generator: np.random.Generator, dims: int = DIMS) -> Points:
    """Points (B, dims) of independent angles, each uniform on its circle; in 4 dims a coordinate's variance is 1/2."""
    return torus_points(generator.uniform(0.0, 2 * np.pi, (count, 2))) @ frame(dims).T


def torus_distance(points_BD: Points) -> Points:
    """Euclidean distance (B,) of each point (B, dims) from the nearest point of the torus."""
    plane_B4 = points_BD @ frame(points_BD.shape[1])
    off_B = np.linalg.norm(points_BD - plane_B4 @ frame(points_BD.shape[1]).T, axis=1)
    radii_B2 = np.hypot(plane_B4[:, 0::2], plane_B4[:, 1::2])
    distance: Points = np.linalg.norm([radii_B2[:, 0] - 1, radii_B2[:, 1] - 1, off_B], axis=0)
    return distance


def sliced_wasserstein(points_BD: Points) -> float:
    """Mean 1-Wasserstein distance between a sample and the uniform torus over fixed directions of the torus's space.

    In units of a coordinate. It sees what the distance from the torus does not: holes, clusters, angles that depend on
    each other. Rabin et al., Wasserstein barycenter and its application to texture mixing, SSVM 2011.
    """
    turns = 2 * np.pi * np.arange(GRID) / GRID
    truth = torus_points(np.stack(np.meshgrid(turns, turns), axis=2).reshape(-1, 2))
    directions = np.random.default_rng(0).standard_normal((DIRECTIONS, DIMS))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    plane_B4 = points_BD @ frame(points_BD.shape[1])
    return mean_distance(plane_B4, truth, directions)
