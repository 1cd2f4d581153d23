"""Evaluates a run: draws its samples, decodes them, and measures them beside scans it was not trained on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuromf.errors import InputError
from neuromf.evaluation.features.demo import demo_network
from neuromf.evaluation.features.network import FeatureNetwork
from neuromf.evaluation.kept import described_scans
from neuromf.evaluation.measures import Population
from neuromf.evaluation.metrics.bootstrap import single_units
from neuromf.evaluation.result import Evaluation
from neuromf.evaluation.rows import Material, Measured, measure
from neuromf.evaluation.subject import HELD_OUT, Scans, Subject, open_subject
from neuromf.evaluation.verdicts import judge_samples
from neuromf.evaluation.volumes import Described, Describer, describe_latents, stacked

EVALUATIONS = (1, 2, 5, 10, 50)
COUNT = 64
MOST_HELD_OUT = 256
"""Held-out scans that are decoded."""
OnProgress = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much."""


def silent(what: str, done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Wanted:
    """What an evaluation is to do.

    Attributes:
        evaluations: numbers of network evaluations a sample, rising.
        count: samples of each number.
        seed: of noise, choice and resamples.
        splits: whose scans are held out.
        decode_all: whether samples of every number of evaluations are decoded, or those of the fewest and the most.
    """

    evaluations: tuple[int, ...] = EVALUATIONS
    count: int = COUNT
    seed: int = 0
    splits: tuple[str, ...] = HELD_OUT
    decode_all: bool = False

    @property
    def decoded(self) -> tuple[int, ...]:
        """Numbers of evaluations whose samples are decoded."""
        return self.evaluations if self.decode_all else tuple(sorted({self.evaluations[0], self.evaluations[-1]}))


@dataclass(frozen=True)
class Beside:
    """Samples of fewest evaluations with the training scan that lies nearest to each, the nearest first.

    Attributes:
        rows: of the samples.
        scan_ids: of the scans.
        scans: decoded; None where none were asked for.
    """

    rows: list[int]
    scan_ids: list[str]
    scans: Described | None


@dataclass(frozen=True)
class Evaluated:
    """An evaluation with what a page shows of it.

    Attributes:
        evaluation: the numbers and the verdicts.
        material: the volumes that were measured.
        measured: details of each row.
        beside: samples that lie nearest to training scans, with these scans.
    """

    evaluation: Evaluation
    material: Material
    measured: Measured
    beside: Beside


def evaluate_run(
    path: Path,
    wanted: Wanted | None = None,
    *,
    checkpoint: int | None = None,
    vae: Path | None = None,
    device: torch.device | None = None,
    networks: tuple[FeatureNetwork, FeatureNetwork] | None = None,
    beside: int = 0,
    on_progress: OnProgress = silent,
) -> Evaluated:
    """Evaluate a run by samples of its averaged weights.

    Args:
        path: the run's folder; descriptions of its real scans are kept in it.
        wanted: what to do.
        checkpoint: optimiser step of one of its checkpoints; the newest when None.
        vae: the run's autoencoder, where its file is not where it was.
        device: where networks compute; the CPU when None.
        networks: that give features of slices and of volumes; those that ship when None.
        beside: samples whose nearest training scan is decoded, for a page.
        on_progress: told of the work.

    Raises:
        InputError: the run, its scans or its autoencoder are not usable, or no scan was held out.
    """
    wanted, device, began = wanted or Wanted(), device or torch.device("cpu"), time.monotonic()
    subject = open_subject(
        path, checkpoint=checkpoint, vae=vae, device=device,
        on_progress=lambda done, total: on_progress("encodes scans", done, total),
    )  # fmt: skip
    slices, volumes = networks or (demo_network(2), demo_network(3))
    describer = Describer(volumes, slices, subject.store.description.affine)
    material = _material(subject, wanted, describer, on_progress)
    on_progress("measures", 0, 1)
    measured = measure(material, subject.training_parts(), wanted.seed)
    on_progress("measures", 1, 1)
    evaluation = Evaluation(
        run=path, weights=subject.weights, step=subject.step, count=wanted.count, seed=wanted.seed,
        splits=wanted.splits, held_out_scans=len(material.held_out.latents),
        held_out_subjects=len(material.held_out.units), training_scans=len(subject.store.scan_ids("train")),
        networks=(slices.name, volumes.name), rows=measured.rows,
        verdicts=judge_samples(material, measured, wanted.seed), notes=_notes(subject, material, wanted),
        seconds=time.monotonic() - began,
    )  # fmt: skip
    return Evaluated(evaluation, material, measured, _beside(subject, measured, describer, beside))


def _beside(subject: Subject, measured: Measured, describer: Describer, count: int) -> Beside:
    fewest = min(measured.nearness)
    rows = [int(row) for row in np.argsort(measured.nearness[fewest].ratios)[:count]]
    names = subject.store.scan_ids("train")
    scan_ids = [names[int(measured.nearest[fewest].row[row])] for row in rows]
    if not rows:
        return Beside([], [], None)
    raw = torch.stack([subject.store.raw(name) for name in scan_ids])
    return Beside(rows, scan_ids, describe_latents(subject.codec, raw, describer)[0])


def _material(subject: Subject, wanted: Wanted, describer: Describer, on_progress: OnProgress) -> Material:
    held_out = subject.chosen(wanted.splits, MOST_HELD_OUT, wanted.seed)
    training = subject.chosen(("train",), wanted.count, wanted.seed)
    if len(held_out.units) < 2:
        problem = (
            f"{len(held_out.units)} subjects in {' and '.join(wanted.splits)}, and nothing to compare samples with"
        )
        remedy = "train with a larger second and third ratio"
        raise InputError(problem, remedy=remedy, file=subject.run.config, key="data.split_ratios")
    drawn = _draw(subject, wanted, on_progress)
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
            _repeated(stacked([describer.describe(torch.from_numpy(mean))]), wanted.count),
        ),
    )


def _draw(subject: Subject, wanted: Wanted, on_progress: OnProgress) -> dict[int, Tensor]:
    done = _Counter("draws", wanted.count * sum(wanted.evaluations), on_progress)
    return {steps: subject.draw(steps, wanted.count, wanted.seed, done) for steps in wanted.evaluations}


class _Counter:
    """Counts work and tells of it."""

    def __init__(self, what: str, total: int, tell: OnProgress) -> None:
        self._what, self._total, self._tell, self._done = what, total, tell, 0

    def __call__(self, made: int = 1) -> None:
        self._done += made
        self._tell(self._what, self._done, self._total)


def _population(subject: Subject, scans: Scans, described: Described) -> Population:
    return Population(_flat(subject.store.statistics.denormalise(scans.latents)), scans.units, described)


def _flat(latents: Tensor) -> NDArray[np.float32]:
    return latents.flatten(1).numpy().astype(np.float32, copy=False)


def _repeated(one: Described, count: int) -> Described:
    return Described(**{field.name: np.repeat(getattr(one, field.name), count, axis=0) for field in fields(Described)})


def _notes(subject: Subject, material: Material, wanted: Wanted) -> list[str]:
    notes = []
    if len(wanted.decoded) < len(wanted.evaluations):
        notes.append(
            "Samples of the fewest and the most evaluations were decoded; --images all decodes the others too."
        )
    if len(material.training.latents) < wanted.count:
        found = len(material.training.latents)
        notes.append(
            f"There are {found} training scans: their distances are of {found}, those of samples of {wanted.count}."
        )
    return notes
