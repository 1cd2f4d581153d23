"""Populations of latents that are known: fresh ones, copies, repeats, with volumes that follow them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from neuromf.evaluation.measures import Population
from neuromf.evaluation.metrics.bootstrap import single_units
from neuromf.evaluation.metrics.spectrum import band_power
from neuromf.evaluation.rows import Material
from neuromf.evaluation.volumes import Described

DIMS = 512
"""Of a latent: a cube of eight cells, as a small copy of a volume shows it."""
_GENERATOR = np.random.default_rng(7)
_MEAN = ndimage.gaussian_filter(_GENERATOR.standard_normal((8, 8, 8)), 1.5).ravel() * 6


def _drawn(count: int) -> np.ndarray:
    """Normalised latents of one distribution: a common mean and what differs."""
    return (_MEAN + _GENERATOR.standard_normal((count, DIMS))).astype(np.float32)


TRAINING, HELD_OUT, FRESH = _drawn(40), _drawn(20), _drawn(30)


def described_noise(latents: np.ndarray) -> Described:
    """Volumes of 16 voxels that show the latents' cells, with as much of a description as measures need."""
    cubes = np.nan_to_num(latents).clip(-10, 10).reshape(-1, 8, 8, 8)
    volumes = (0.5 + np.stack([np.kron(cube, np.ones((2, 2, 2))) for cube in cubes]) / 20).astype(np.float32)
    features = cubes.reshape(len(cubes), -1)[:, :24].astype(np.float32)
    plane = volumes[:, 8]
    return Described(
        features_3d=features,
        features_25d=np.repeat(features[:, None, None, :8], 3, axis=1),
        spectrum=np.stack([band_power(volume) for volume in volumes]),
        tissues=np.abs(features[:, :3]).astype(np.float64),
        small=volumes,
        outside=np.zeros(len(volumes)),
        sagittal=plane, coronal=plane, axial=plane,
    )  # fmt: skip


def population_of(latents: np.ndarray, subjects: list[str] | None = None, *, decoded: bool = True) -> Population:
    """Latents, with their volumes if they are decoded, a subject a row unless they are named."""
    if subjects is None:
        units = single_units(len(latents))
    else:
        units = [np.flatnonzero(np.array(subjects) == name) for name in dict.fromkeys(subjects)]
    return Population(latents, units, described_noise(latents) if decoded else None)


def material_of(
    samples: dict[int, np.ndarray], held_out: np.ndarray = HELD_OUT, subjects: list[str] | None = None
) -> Material:
    """What an evaluation measures, of samples by number of evaluations, of which the fewest are decoded."""
    fewest = min(samples)
    count = len(samples[fewest])
    return Material(
        samples={steps: population_of(latents, decoded=steps == fewest) for steps, latents in samples.items()},
        normalised=samples,
        held_out=population_of(held_out, subjects),
        held_out_normalised=held_out,
        training=population_of(TRAINING[:count], decoded=False),
        training_normalised=TRAINING[:count],
        mean=population_of(np.repeat(TRAINING.mean(0, keepdims=True), count, axis=0), decoded=False),
    )


def parts_of(latents: np.ndarray, size: int = 16):
    """Some latents at a time with the row of the first, as a training split is read."""
    return ((start, latents[start : start + size]) for start in range(0, len(latents), size))
