"""The rows of an evaluation: each population's measures beside held-out scans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuromf.evaluation.copies import NearestTraining, Nearness, nearest_training, nearness
from neuromf.evaluation.image_measures import Pairs, diversity_measures, image_measures, similar_pairs
from neuromf.evaluation.measures import HeldOutLatents, Population, Sides, latent_measures
from neuromf.evaluation.metrics.bootstrap import Index, Interval, bootstrap, single_units
from neuromf.evaluation.metrics.kernel import squared_distances
from neuromf.evaluation.result import MeasuredRow

Array = NDArray[np.float64]
TRAINING, MEAN = "training scans", "mean image"
"""Rows that samples are compared with."""


@dataclass(frozen=True)
class Material:
    """What is measured.

    Attributes:
        samples: by number of evaluations, from the same noise.
        normalised: their latents (N, D) as the network gives them.
        held_out: scans that were not trained on.
        held_out_normalised: their latents.
        training: as many training scans as there are samples, if there are.
        training_normalised: their latents.
        mean: the mean image, again and again.
    """

    samples: dict[int, Population]
    normalised: dict[int, NDArray[np.float32]]
    held_out: Population
    held_out_normalised: NDArray[np.float32]
    training: Population
    training_normalised: NDArray[np.float32]
    mean: Population


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        rows: of the table.
        nearness: of samples to training scans, by number of evaluations.
        nearest: each sample's nearest training scan, by number of evaluations.
        latents: what the rows were measured by.
    """

    rows: list[MeasuredRow]
    nearness: dict[int, Nearness]
    nearest: dict[int, NearestTraining]
    latents: HeldOutLatents

    def row(self, evaluations: int) -> MeasuredRow:
        """The samples of so many evaluations."""
        return next(row for row in self.rows if row.evaluations == evaluations)


@np.errstate(invalid="ignore", over="ignore")  # of samples that are not finite, which a law names
def measure(material: Material, training: Iterator[tuple[int, NDArray[np.float32]]], seed: int) -> Measured:
    """Measure all populations.

    Args:
        material: the populations.
        training: the whole training split, normalised and flat, in parts.
        seed: of directions and resamples.
    """
    nearest, among = _nearest(material, training), _Among.of(material)
    own = {steps: _apart(latents, latents) for steps, latents in material.normalised.items()}
    near = {steps: _nearness(material, nearest, among, own[steps], steps, seed) for steps in material.samples}
    real = similar_pairs(material.held_out.described) if material.held_out.described is not None else None
    latents, rows = HeldOutLatents(material.held_out, seed), []
    for steps, population in material.samples.items():
        found = _measures(population, latents, real) | near[steps].measures
        found |= _consistency(material, own[max(own)], steps, seed)
        rows.append(MeasuredRow(f"{steps} evaluation{'s' if steps > 1 else ''}", steps, found))
    for name, population in ((TRAINING, material.training), (MEAN, material.mean)):
        rows.append(MeasuredRow(name, None, _measures(population, latents, real)))
    return Measured(rows, near, {steps: nearest[steps] for steps in material.samples}, latents)


def _measures(rows: Population, latents: HeldOutLatents, real: Pairs | None) -> dict[str, Interval]:
    found, held_out = latent_measures(rows, latents), latents.population
    if rows.described is not None and held_out.described is not None and real is not None:
        sides = Sides(rows.units, held_out.units, latents.seed)
        found |= image_measures(rows.described, held_out.described, sides)
        found |= diversity_measures(similar_pairs(rows.described), real, sides)
    return found


HELD_OUT = 0
"""Key of the held-out scans among numbers of evaluations."""


def _nearest(material: Material, training: Iterator[tuple[int, NDArray[np.float32]]]) -> dict[int, NearestTraining]:
    """Nearest training scans of all samples and held-out scans, in one pass through the training split."""
    parts = {HELD_OUT: material.held_out_normalised, **material.normalised}
    found = nearest_training(np.concatenate(list(parts.values())), training)
    ends = np.cumsum([len(part) for part in parts.values()])
    split = zip(parts, np.split(found.distance, ends[:-1]), np.split(found.row, ends[:-1]), strict=True)
    return {key: NearestTraining(distance, row) for key, distance, row in split}


@dataclass(frozen=True)
class _Among:
    """Distances that every number of evaluations is held to: among held-out scans, and among training scans."""

    real: Array
    training: Array

    @classmethod
    def of(cls, material: Material) -> _Among:
        """Root mean squares over the latents' numbers."""
        return cls(*(_apart(scans, scans) for scans in (material.held_out_normalised, _one_a_subject(material))))


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> Array:
    return np.asarray(np.sqrt(squared_distances(one, other) / one.shape[1]), dtype=np.float64)


def _nearness(
    material: Material, nearest: dict[int, NearestTraining], among: _Among, own: Array, steps: int, seed: int
) -> Nearness:
    between = _apart(material.normalised[steps], material.held_out_normalised)
    units = (material.samples[steps].units, material.held_out.units, single_units(len(among.training)))
    return nearness(
        nearest[steps].distance, between, own, nearest[HELD_OUT].distance, among.real, among.training, units, seed
    )  # fmt: skip


def _one_a_subject(material: Material) -> NDArray[np.float32]:
    """A training scan of each subject: two of one head are nearer to each other than any samples should be."""
    return material.training_normalised[[int(rows[0]) for rows in material.training.units]]


def _consistency(material: Material, apart: Array, steps: int, seed: int) -> dict[str, Interval]:
    """How far a sample lies from that of the same noise in most evaluations, in units of two different samples."""
    most = max(material.samples)
    if steps == most:
        return {}
    one, other = material.normalised[steps], material.normalised[most]
    moved = np.sqrt(((one - other) ** 2).mean(1, dtype=np.float64))
    off_diagonal = ~np.eye(len(apart), dtype=bool)

    def consistency(rows: Index) -> float:
        among = apart[np.ix_(rows, rows)][off_diagonal]
        return float(moved[rows].mean() / among.mean()) if among.size else float("nan")

    return {"consistency": bootstrap(consistency, material.samples[steps].units, seed=seed)}
