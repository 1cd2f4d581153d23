"""Whether samples are copies: how near they lie to training scans, to held-out scans and to each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from neuromf.evaluation.metrics.bootstrap import Index, Interval, Units, bootstrap
from neuromf.evaluation.metrics.kernel import squared_distances
from neuromf.evaluation.metrics.neighbours import nearest, nearest_other

Array = NDArray[np.float64]
COPY = 0.5
"""Share of a held-out scan's own nearness below which a sample is called a copy of a training scan."""


@dataclass(frozen=True)
class NearestTraining:
    """For each of some latents its nearest training scan.

    Attributes:
        distance: (N,), root mean square over the latent's numbers, normalised.
        row: (N,) of that scan among the training split.
    """

    distance: Array
    row: NDArray[np.int64]


def nearest_training(
    latents_ND: NDArray[np.float32], training: Iterator[tuple[int, NDArray[np.float32]]]
) -> NearestTraining:
    """Go through the training split once, some scans at a time.

    Args:
        latents_ND: normalised, flat.
        training: the first row and the latents of each part.
    """
    best, row = np.full(len(latents_ND), np.inf), np.full(len(latents_ND), -1, dtype=np.int64)
    for start, part in training:
        squares = squared_distances(latents_ND, part)
        nearer = squares.min(1) < best
        row[nearer] = start + squares.argmin(1)[nearer]
        best = np.minimum(best, squares.min(1))
    return NearestTraining(np.sqrt(best / latents_ND.shape[1]), row)


@dataclass(frozen=True)
class Nearness:
    """How samples and held-out scans lie to training and held-out scans.

    Attributes:
        measures: `nearest_train`, `copying` and `spread` by key.
        ranked: one-sided p of the rank test that samples lie nearer to training than held-out scans do.
        copies: rows of samples that lie nearer to a training scan than half of what is usual.
        ratios: (B,) nearest training over nearest held-out scan, in units of what held-out scans have.
    """

    measures: dict[str, Interval]
    ranked: float
    copies: list[int]
    ratios: Array


def nearness(
    sample_train: Array, sample_real: Array, sample_sample: Array, real_train: Array, real_real: Array,
    train_train: Array, units: tuple[Units, Units, Units], seed: int,
) -> Nearness:  # fmt: skip
    """Judge samples by their distances.

    That samples lie nearer to training scans than held-out scans do (Meehan, Chaudhuri and Dasgupta, A non-parametric
    test to detect data-copying in generative models, AISTATS 2020) is true of blurred samples too, which lie nearer to
    everything. What tells a copy is that it lies nearer to training than to held-out scans, more than these do.

    Args:
        sample_train: (B,) distance of each sample to its nearest training scan.
        sample_real: (B, N) to each held-out scan.
        sample_sample: (B, B).
        real_train: (N,) distance of each held-out scan to its nearest training scan.
        real_real: (N, N).
        train_train: (M, M) among training scans of different subjects, as many as there are samples, if there are.
        units: of samples, of held-out scans and of these training scans.
        seed: of the bootstrap.
    """
    ratio = sample_train / nearest(sample_real)
    usual = real_train / nearest_other(_by_subject(real_real, units[1]))
    alike = min(len(sample_sample), len(train_train))
    own, real_nearest = _thinned(sample_sample, alike), _thinned(train_train, alike)

    def train(a: Index, b: Index) -> float:
        return float(np.median(sample_train[a]) / np.median(real_train[b]))

    def copying(a: Index, b: Index) -> float:
        return float(np.median(ratio[a]) / np.median(usual[b]))

    def spread(a: Index, b: Index) -> float:
        return float(np.median(own[a]) / np.median(real_nearest[b]))

    samples, held_out, training = units
    measures = {
        "nearest_train": bootstrap(train, samples, held_out, seed=seed, least=0.0),
        "copying": bootstrap(copying, samples, held_out, seed=seed, least=0.0),
        "spread": bootstrap(spread, samples, training, seed=seed, least=0.0),
    }
    ranked = float(mannwhitneyu(ratio, usual, alternative="less").pvalue)
    relative = ratio / float(np.median(usual))
    return Nearness(measures, ranked, [int(row) for row in np.flatnonzero(relative < COPY)], relative)


def _by_subject(real_real: Array, units: Units) -> Array:
    """Distances with those to scans of the same subject out of reach: another scan of one head is no other head."""
    apart = real_real.copy()
    for unit in units:
        apart[np.ix_(unit, unit)] = np.inf
    return apart


def _thinned(distances_NN: Array, count: int) -> Array:
    """Distance to the nearest other as if there were `count` points: of more, each lies nearer to another.

    The expected smallest of a random few of the others' distances; the nearest of all where there are no more.
    """
    return np.array([_expected_nearest(np.delete(row, place), count - 1) for place, row in enumerate(distances_NN)])


def _expected_nearest(others: Array, count: int) -> float:
    """Expected smallest of `count` of these distances, drawn without return."""
    others = np.sort(others)
    drawn = max(1, min(len(others), count))
    # Chance that the k-th smallest is the smallest of those drawn: none of the smaller ones is drawn, and it is.
    left, expected = 1.0, 0.0
    for place, distance in enumerate(others[: len(others) - drawn + 1]):
        chance = left * drawn / (len(others) - place)
        expected += chance * distance
        left -= chance
    return float(expected)
