"""Draws samples of a run, decodes them and its held-out scans, and describes all volumes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuromf.errors import InputError
from neuromf.evaluation.kept import described_scans
from neuromf.evaluation.measures import Population
from neuromf.evaluation.metrics.bootstrap import single_units
from neuromf.evaluation.rows import Material
from neuromf.evaluation.subject import EvaluatedRun, Scans
from neuromf.evaluation.volumes import Described, Describer, describe_latents, stacked
from neuromf.evaluation.wanted import EvaluationRequest, OnProgress

MOST_HELD_OUT = 256
"""Held-out scans that are decoded."""


def gather(subject: EvaluatedRun, wanted: EvaluationRequest, describer: Describer, on_progress: OnProgress) -> Material:
    """All that is measured.

    Raises:
        InputError: fewer than two subjects are held out.
    """
    held_out = subject.chosen(wanted.splits, MOST_HELD_OUT, wanted.seed)
    training = subject.chosen(("train",), wanted.count, wanted.seed)
    if len(held_out.units) < 2:
        problem = (
            f"{len(held_out.units)} subjects in {' and '.join(wanted.splits)}, and nothing to compare samples with"
        )
        remedy = "train with a larger second and third ratio"
        raise InputError(problem, remedy=remedy, file=subject.run.config, key="data.split_ratios")
    # As many of each age and sex as are held out: the two populations are to differ by the network alone.
    told = subject.covariates(held_out, wanted.count)
    drawn = _draw(subject, wanted, told, on_progress)
    work = len(held_out.scan_ids) + len(training.scan_ids) + wanted.count * len(wanted.decoded)
    done = _Counter("decodes", work, on_progress)
    real, _ = described_scans(subject, held_out, describer, done)
    trained, mean = described_scans(subject, training, describer, done)
    samples = {}
    for steps, latents in drawn.items():
        raw = subject.store.statistics.denormalise(latents)
        described = describe_latents(subject.codec, raw, describer, done)[0] if steps in wanted.decoded else None
        samples[steps] = Population(_flat(raw), single_units(wanted.count), described)
    raw_training = subject.store.statistics.denormalise(training.latents)
    return Material(
        samples=samples,
        normalised={steps: _flat(latents) for steps, latents in drawn.items()},
        held_out=_population(subject, held_out, real),
        held_out_normalised=_flat(held_out.latents),
        training=_population(subject, training, trained),
        training_normalised=_flat(training.latents),
        mean=Population(
            np.repeat(_flat(raw_training.mean(0, keepdim=True)), wanted.count, axis=0),
            single_units(wanted.count),
            stacked([describer.describe(torch.from_numpy(mean))]).rows([0] * wanted.count),
        ),
    )


def _draw(
    subject: EvaluatedRun, wanted: EvaluationRequest, told: Tensor | None, on_progress: OnProgress
) -> dict[int, Tensor]:
    done = _Counter("draws", wanted.count * sum(wanted.evaluations), on_progress)
    return {steps: subject.draw(steps, wanted.count, wanted.seed, done, told) for steps in wanted.evaluations}


class _Counter:
    """Counts work and tells of it."""

    def __init__(self, what: str, total: int, tell: OnProgress) -> None:
        self._what, self._total, self._tell, self._done = what, total, tell, 0

    def __call__(self, made: int = 1) -> None:
        self._done += made
        self._tell(self._what, self._done, self._total)


def _population(subject: EvaluatedRun, scans: Scans, described: Described) -> Population:
    return Population(_flat(subject.store.statistics.denormalise(scans.latents)), scans.units, described)


def _flat(latents: Tensor) -> NDArray[np.float32]:
    return latents.flatten(1).numpy().astype(np.float32, copy=False)
