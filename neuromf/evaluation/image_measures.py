"""The measures of decoded volumes beside those of held-out scans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from neuromf.evaluation.measures import Sides
from neuromf.evaluation.metrics.bootstrap import Index, Interval, bootstrap, bootstrap_together
from neuromf.evaluation.metrics.frechet import frechet_distance
from neuromf.evaluation.metrics.kernel import squared_distances
from neuromf.evaluation.metrics.neighbours import manifold
from neuromf.evaluation.metrics.similarity import pair_similarities, pairs_of
from neuromf.evaluation.metrics.spectrum import spectrum_difference
from neuromf.evaluation.volumes import Described

Array = NDArray[np.float64]
VOLUMES = ("grey", "white", "fluid")
"""Keys of the tissues, as `metrics.tissue.TISSUES` has them."""


def image_measures(one: Described, other: Described, sides: Sides) -> dict[str, Interval]:
    """Everything but what pairs tell.

    Args:
        one: samples.
        other: held-out scans.
        sides: their units.
    """
    frechet = {
        "frechet_25d": sides.interval(_slices(one.features_25d, other.features_25d)),
        "frechet_3d": sides.interval(lambda a, b: frechet_distance(one.features_3d[a], other.features_3d[b])),
    }
    spectrum = sides.interval(lambda a, b: spectrum_difference(one.spectrum[a], other.spectrum[b]))
    tissues = {
        key: sides.interval(_volumes(one.tissues[:, place], other.tissues[:, place]))
        for place, key in enumerate(VOLUMES)
    }
    return frechet | _manifold(one, other, sides) | {"spectrum": spectrum} | tissues


def _slices(one: NDArray[np.float32], other: NDArray[np.float32]) -> Callable[[Index, Index], float]:
    """Mean over the planes of the distance of their slices; a slice is a row, a volume the unit."""
    planes, size = range(one.shape[1]), one.shape[-1]

    def distance(a: Index, b: Index) -> float:
        each = [frechet_distance(one[a, p].reshape(-1, size), other[b, p].reshape(-1, size)) for p in planes]
        return float(np.mean(each))

    return distance


def _volumes(one: Array, other: Array) -> Callable[[Index, Index], float]:
    """Wasserstein distance of two samples of millilitres; a volume without a brain has none and is left out."""

    def distance(a: Index, b: Index) -> float:
        known, others = one[a][np.isfinite(one[a])], other[b][np.isfinite(other[b])]
        return float(wasserstein_distance(known, others)) if len(known) and len(others) else float("nan")

    return distance


def _manifold(one: Described, other: Described, sides: Sides) -> dict[str, Interval]:
    """Precision, recall, density and coverage among features, whose distances are taken once."""
    samples, scans = one.features_3d, other.features_3d
    pairs = ((samples, samples), (scans, scans), (samples, scans))
    own, real, between = (np.sqrt(squared_distances(*pair)) for pair in pairs)

    def of(a: Index, b: Index) -> dict[str, float]:
        a, b = np.unique(a), np.unique(b)  # a scan that was drawn twice is no neighbour of itself
        return asdict(manifold(real[np.ix_(b, b)], own[np.ix_(a, a)], between[np.ix_(a, b)]))

    most = {"precision": 1.0, "recall": 1.0, "density": np.inf, "coverage": 1.0}
    return bootstrap_together(
        of, sides.one, sides.other, seed=sides.seed, bounds={name: (0.0, end) for name, end in most.items()}
    )


@dataclass(frozen=True)
class Pairs:
    """MS-SSIM of pairs of a population.

    Attributes:
        first: row of each pair.
        second: the other row.
        values: MS-SSIM.
        count: rows that there are.
    """

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


def diversity_measures(own: Pairs, real: Pairs, sides: Sides) -> dict[str, Interval]:
    """MS-SSIM of pairs, and how unlike two samples are in units of two real scans."""
    return {
        "ms_ssim": bootstrap(own.mean, sides.one, seed=sides.seed, least=0.0, most=1.0),
        "diversity": sides.interval(lambda a, b: (1 - own.mean(a)) / (1 - real.mean(b))),
    }
