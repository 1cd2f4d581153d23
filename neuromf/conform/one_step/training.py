"""Trains a small network with a code's own loss and times, and judges its samples."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from neuromf_spec.conformance.batch import GivenBatch
from neuromf_spec.conformance.declaration import Declaration, TimeSampler
from neuromf_spec.conformance.judging import told_error
from numpy.typing import NDArray

from neuromf.conform.one_step.outcome import OneStepOutcome
from neuromf.conform.one_step.settings import LearnerSettings
from neuromf.conform.one_step.truth import TRUTHS, Truth
from neuromf.evaluation.sliced import sliced_wasserstein
from neuromf.flow.settings import TimeSettings
from neuromf.flow.times import sample_times

Array = NDArray[np.float64]
EVALUATIONS = (1, 2, 4)
JUDGE_SEED = 1_000_003
"""Added to a training's seed for the noise and data that it is judged by: no training sees them."""


class Learner(Protocol):
    """A network in training, in torch or JAX."""

    def step(self, place: int, groups: list[tuple[float, GivenBatch]]) -> None:
        """One update, by groups of samples with their shares of the loss."""

    def output(self, z: Array, r: float, t: float) -> Array:
        """What the network puts out."""

    def sample(self, noise: Array, steps: int) -> Array:
        """What the code's sampler makes of noise."""


def train_one_step(
    adapter: Any,  # noqa: ANN401
    *,
    seed: int = 0,
    settings: LearnerSettings = LearnerSettings(),  # noqa: B008
    truths: tuple[Truth, ...] = TRUTHS,
) -> list[OneStepOutcome]:
    """Train on each distribution.

    Args:
        adapter: of a code; it needs `loss`. Without `times` they are drawn as declared, or as the paper has them;
            without `sample` the steps are equal.
        seed: of weights, data, noise and times.
        settings: of the training.
        truths: distributions.
    """
    return [_trained(adapter, truth, seed, settings) for truth in truths]


def _trained(adapter: Any, truth: Truth, seed: int, settings: LearnerSettings) -> OneStepOutcome:  # noqa: ANN401
    began, declared = time.perf_counter(), adapter.declares
    learner, generator = _learner(adapter, settings, seed), np.random.default_rng(seed)
    for place in range(settings.steps):
        learner.step(place, _groups(_batch(adapter, truth, settings.batch, generator, place), declared))
    distances, errors, spread = {}, {}, float("nan")
    fresh = np.random.default_rng(JUDGE_SEED + seed)
    noise = fresh.standard_normal((settings.judged, declared.dims))
    real, other = (truth.draw(settings.judged, declared.dims, fresh) for _ in range(2))
    for steps in EVALUATIONS:
        try:
            drawn = _drawn(adapter, learner, noise.reshape(-1, *declared.shape), steps).reshape(noise.shape)
        except NotImplementedError as error:
            errors[steps] = str(error) or "the code does not sample so"
            continue
        except Exception as error:
            errors[steps] = told_error(error)
            continue
        distances[steps] = sliced_wasserstein(drawn, real) if np.isfinite(drawn).all() else float("nan")
        if steps == 1:
            spread = float((drawn.std(axis=0) / real.std(axis=0)).mean())
    return OneStepOutcome(
        truth=truth.name, steps=settings.steps, distances=distances, errors=errors, spread=spread,
        real=sliced_wasserstein(other, real), noise=sliced_wasserstein(noise, real),
        seconds=time.perf_counter() - began,
    )  # fmt: skip


def _learner(adapter: Any, settings: LearnerSettings, seed: int) -> Learner:  # noqa: ANN401
    if adapter.library == "torch":
        from neuromf.conform.one_step.torch_learner import TorchLearner

        return TorchLearner(adapter, settings, seed)
    from neuromf.conform.one_step.jax_learner import JaxLearner

    return JaxLearner(adapter, settings, seed)


def _batch(adapter: Any, truth: Truth, count: int, generator: np.random.Generator, place: int) -> GivenBatch:  # noqa: ANN401
    """Fresh data and noise, and times in the code's own convention."""
    declared: Declaration = adapter.declares
    x, e = truth.draw(count, declared.dims, generator), generator.standard_normal((count, declared.dims))
    if callable(getattr(adapter, "times", None)):
        r, t = (np.asarray(part, dtype=float) for part in adapter.times(count, int(generator.integers(2**31))))
    else:
        pairs = sample_times(count, _times(declared.times or TimeSampler()), generator, start=place * count)
        r, t = (abs(declared.data_at - part) for part in (pairs.r_B, pairs.t_B))
    y = np.full(count, declared.guidance.label if declared.guidance else 0)
    return GivenBatch(x.reshape(-1, *declared.shape), e.reshape(-1, *declared.shape), r, t, y)


def _times(declared: TimeSampler) -> TimeSettings:
    uniform = 1.0 if declared.distribution == "uniform" else declared.uniform_fraction
    return TimeSettings(
        mu=declared.mu, sigma=declared.sigma, r_mu=declared.r_mu, r_sigma=declared.r_sigma,
        data_proportion=declared.data_proportion, uniform_fraction=uniform, t_min=declared.t_min,
    )  # fmt: skip


def _groups(batch: GivenBatch, declared: Declaration) -> list[tuple[float, GivenBatch]]:
    """The batch, or its samples with r = t and the others where the code takes them apart."""
    if declared.mixed:
        return [(1.0, batch)]
    is_fm = batch.r == batch.t
    chosen = [np.flatnonzero(kind).tolist() for kind in (is_fm, ~is_fm)]
    return [(len(places) / len(is_fm), batch.rows(places)) for places in chosen if places]


def _drawn(adapter: Any, learner: Learner, noise: Array, steps: int) -> Array:  # noqa: ANN401
    if callable(getattr(adapter, "sample", None)):
        return learner.sample(noise, steps)
    declared: Declaration = adapter.declares
    z, times = noise, np.linspace(1.0, 0.0, steps + 1)
    for t, r in pairwise(times):
        output = learner.output(z, abs(declared.data_at - r), abs(declared.data_at - t))
        if declared.prediction == "x":
            velocity = (z - output) / max(t, declared.t_min)
        else:
            velocity = output if declared.data_at == 0 else -output
        z = z - (t - r) * velocity
    return z
