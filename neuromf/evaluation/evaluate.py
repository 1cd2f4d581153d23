"""Evaluates a run: draws its samples, decodes them, and measures them beside scans it was not trained on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from neuromf.evaluation.features.demo import demo_network
from neuromf.evaluation.features.network import FeatureNetwork
from neuromf.evaluation.kept import keep_evaluation
from neuromf.evaluation.material import gather
from neuromf.evaluation.result import SampleEvaluation
from neuromf.evaluation.rows import Material, Measured, measure
from neuromf.evaluation.subject import EvaluatedRun, open_subject
from neuromf.evaluation.verdicts import judge_samples
from neuromf.evaluation.volumes import Described, Describer, describe_latents
from neuromf.evaluation.wanted import EvaluationRequest, OnProgress, silent


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

    evaluation: SampleEvaluation
    material: Material
    measured: Measured
    beside: Beside


def evaluate_run(
    path: Path,
    wanted: EvaluationRequest | None = None,
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
        path: the run's folder; descriptions of its real scans, and what is found, are kept in it.
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
    wanted, device, began = wanted or EvaluationRequest(), device or torch.device("cpu"), time.monotonic()
    subject = open_subject(
        path, checkpoint=checkpoint, vae=vae, device=device,
        on_progress=lambda done, total: on_progress("encodes scans", done, total),
    )  # fmt: skip
    slices, volumes = networks or (demo_network(2), demo_network(3))
    describer = Describer(volumes, slices, subject.store.description.affine)
    material = gather(subject, wanted, describer, on_progress)
    on_progress("measures", 0, 1)
    measured = measure(material, subject.training_parts(), wanted.seed)
    on_progress("measures", 1, 1)
    evaluation = SampleEvaluation(
        run=path, weights=subject.weights, step=subject.step, count=wanted.count, seed=wanted.seed,
        splits=wanted.splits, held_out_scans=len(material.held_out.latents),
        held_out_subjects=len(material.held_out.units), training_scans=len(subject.store.scan_ids("train")),
        networks=(slices.name, volumes.name), rows=measured.rows,
        verdicts=judge_samples(material, measured, wanted.seed), notes=_notes(subject, material, wanted),
        seconds=time.monotonic() - began,
    )  # fmt: skip
    keep_evaluation(subject.run.root, evaluation)
    return Evaluated(evaluation, material, measured, _beside(subject, measured, describer, beside))


def _beside(subject: EvaluatedRun, measured: Measured, describer: Describer, count: int) -> Beside:
    fewest = min(measured.nearness)
    rows = [int(row) for row in np.argsort(measured.nearness[fewest].ratios)[:count]]
    names = subject.store.scan_ids("train")
    scan_ids = [names[int(measured.nearest[fewest].row[row])] for row in rows]
    if not rows:
        return Beside([], [], None)
    raw = torch.stack([subject.store.raw(name) for name in scan_ids])
    return Beside(rows, scan_ids, describe_latents(subject.codec, raw, describer)[0])


def _notes(subject: EvaluatedRun, material: Material, wanted: EvaluationRequest) -> list[str]:
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
