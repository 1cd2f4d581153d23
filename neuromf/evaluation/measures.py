"""The measures of one row of an evaluation: samples, real training scans or a mean image beside held-out scans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from neuromf.evaluation.metrics.bootstrap import Index, Interval, Units, bootstrap
from neuromf.evaluation.metrics.frechet import frechet_distance
from neuromf.evaluation.metrics.kernel import gaussian_kernel, median_bandwidth, mmd_squared, squared_distances
from neuromf.evaluation.metrics.neighbours import Manifold, manifold
from neuromf.evaluation.metrics.similarity import pair_similarities, pairs_of
from neuromf.evaluation.metrics.spectrum import spectrum_difference
from neuromf.evaluation.sliced import mean_distance
from neuromf.evaluation.volumes import Described

DIRECTIONS = 64
"""Of the sliced distance. Of 64 directions its standard error is 3 % of its value on the demo cohort."""
_BLOCK = 16
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """Some volumes as latents and, where they were decoded, as images.

    Attributes:
        latents: (N, D) de-normalised, flat, float32.
        units: rows of each subject, or of each noise.
        described: their volumes; None where they were not decoded.
    """

    latents: NDArray[np.float32]
    units: Units
    described: Described | None


def projections(latents_ND: NDArray[np.float32], seed: int) -> Array:
    """(N, K) coordinates along random unit vectors that depend on the seed and D alone."""
    generator, parts = np.random.default_rng(seed), []
    for _ in range(0, DIRECTIONS, _BLOCK):  # all at once would take gigabytes for latents of real size
        units_DK = generator.standard_normal((latents_ND.shape[1], _BLOCK), dtype=np.float32)
        parts.append(latents_ND @ (units_DK / np.linalg.norm(units_DK, axis=0)))
    return np.concatenate(parts, axis=1).astype(np.float64)


def latent_measures(rows: Population, held_out: Population, seed: int) -> dict[str, Interval]:
    """Sliced Wasserstein distance and MMD of latents, in thousandths."""
    one, other = projections(rows.latents, seed), projections(held_out.latents, seed)
    axes = np.eye(DIRECTIONS)
    squares = squared_distances(held_out.latents, held_out.latents)
    width = median_bandwidth(squares)
    within = gaussian_kernel(squares, width)
    own = gaussian_kernel(squared_distances(rows.latents, rows.latents), width)
    between = gaussian_kernel(squared_distances(rows.latents, held_out.latents), width)

    def sliced(a: Index, b: Index) -> float:
        return 1000 * mean_distance(one[a], other[b], axes)

    def mmd(a: Index, b: Index) -> float:
        return 1000 * mmd_squared(own[np.ix_(a, a)], within[np.ix_(b, b)], between[np.ix_(a, b)])

    return {
        "sliced_wasserstein": bootstrap(sliced, rows.units, held_out.units, seed=seed),
        "mmd": bootstrap(mmd, rows.units, held_out.units, seed=seed),
    }


def image_measures(rows: Population, held_out: Population, seed: int) -> dict[str, Interval]:
    """What decoded volumes tell; nothing where they were not decoded."""
    if rows.described is None or held_out.described is None:
        return {}
    one, other = rows.described, held_out.described
    planes, size = range(one.features_25d.shape[1]), one.features_25d.shape[-1]

    def slices(a: Index, b: Index) -> float:
        found = [
            frechet_distance(
                one.features_25d[a, plane].reshape(-1, size), other.features_25d[b, plane].reshape(-1, size)
            )
            for plane in planes
        ]
        return float(np.mean(found))

    def volumes(a: Index, b: Index) -> float:
        return frechet_distance(one.features_3d[a], other.features_3d[b])

    def spectrum(a: Index, b: Index) -> float:
        return spectrum_difference(one.spectrum[a], other.spectrum[b])

    found = {"frechet_25d": slices, "frechet_3d": volumes, "spectrum": spectrum}
    measured = {key: bootstrap(of, rows.units, held_out.units, seed=seed) for key, of in found.items()}
    return measured | _tissues(rows, held_out, seed) | _manifold(rows, held_out, seed)


def _tissues(rows: Population, held_out: Population, seed: int) -> dict[str, Interval]:
    assert rows.described is not None and held_out.described is not None
    found = {}
    for place, key in enumerate(("grey", "white", "fluid")):
        one, other = rows.described.tissues[:, place], held_out.described.tissues[:, place]

        def distance(a: Index, b: Index, one: Array = one, other: Array = other) -> float:
            known, known_other = one[a][np.isfinite(one[a])], other[b][np.isfinite(other[b])]
            if not (len(known) and len(known_other)):
                return float("nan")
            return float(wasserstein_distance(known, known_other))

        found[key] = bootstrap(distance, rows.units, held_out.units, seed=seed)
    return found


def _manifold(rows: Population, held_out: Population, seed: int) -> dict[str, Interval]:
    """Precision, recall, density and coverage among features; whose intervals need distances, taken once."""
    assert rows.described is not None and held_out.described is not None
    one, other = rows.described.features_3d, held_out.described.features_3d
    own, real, between = (
        np.sqrt(squared_distances(*pair)) for pair in ((one, one), (other, other), (one, other))
    )  # fmt: skip

    def of(a: Index, b: Index) -> Manifold:
        # A scan that was drawn twice is no neighbour of itself: each counts once.
        a, b = np.unique(a), np.unique(b)
        return manifold(real[np.ix_(b, b)], own[np.ix_(a, a)], between[np.ix_(a, b)])

    keys = ("precision", "recall", "density", "coverage")
    return {
        key: bootstrap(lambda a, b, key=key: getattr(of(a, b), key), rows.units, held_out.units, seed=seed)
        for key in keys
    }


@dataclass(frozen=True)
class Pairs:
    """MS-SSIM of pairs of a population."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    values: Array
    count: int

    def mean(self, rows: Index) -> float:
        """Mean over pairs of the rows drawn, each as often as both of it are."""
        times = np.bincount(rows, minlength=self.count)
        weights = times[self.first] * times[self.second]
        return float((weights * self.values).sum() / weights.sum()) if weights.sum() else float("nan")


def similar_pairs(described: Described) -> Pairs:
    """Pairs of a population with their MS-SSIM."""
    pairs = pairs_of(len(described))
    values = pair_similarities(described.small, pairs)
    first, second = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    return Pairs(first, second, values, len(described))


def diversity_measures(
    rows: Population, held_out: Population, own: Pairs, real: Pairs, seed: int
) -> dict[str, Interval]:
    """MS-SSIM of pairs, and how diverse samples are in units of real scans."""

    def diversity(a: Index, b: Index) -> float:
        return (1 - own.mean(a)) / (1 - real.mean(b))

    return {
        "ms_ssim": bootstrap(own.mean, rows.units, seed=seed),
        "diversity": bootstrap(diversity, rows.units, held_out.units, seed=seed),
    }
