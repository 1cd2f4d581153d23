"""Descriptions of real scans, made once and kept in the run's folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from neuromf.data.content import content_key
from neuromf.evaluation.subject import EvaluatedRun, Scans
from neuromf.evaluation.volumes import Described, Describer, describe_latents
from neuromf.output import whole_file

FOLDER = "evaluation"
MEAN = "mean_volume"


def described_scans(
    subject: EvaluatedRun, scans: Scans, describer: Describer, on_done: Callable[[], None]
) -> tuple[Described, NDArray[np.float32]]:
    """Decoded real scans, described, and their mean volume; from the run's folder where they were described before.

    Args:
        subject: the run.
        scans: some of its scans.
        describer: how.
        on_done: called after each scan.
    """
    facts = {"latents": subject.store.description.content_hash, "scans": scans.scan_ids, "how": describer.facts()}
    path = subject.run.root / FOLDER / f"real-{content_key(facts)[:32]}.safetensors"
    kept = _read(path)
    if kept is not None:
        for _ in scans.scan_ids:
            on_done()
        return kept
    raw = subject.store.statistics.denormalise(scans.latents)
    found, mean = describe_latents(subject.codec, raw, describer, on_done)
    path.parent.mkdir(exist_ok=True)
    arrays = {name: np.ascontiguousarray(array) for name, array in asdict(found).items()} | {MEAN: mean}
    with whole_file(path) as staging:
        save_file(arrays, staging)
    return found, mean


def _read(path: Path) -> tuple[Described, NDArray[np.float32]] | None:
    """What is kept; None where nothing is, or where it cannot be read and is made anew."""
    try:
        arrays = load_file(path)
        mean = arrays.pop(MEAN)
        return Described(**arrays), mean
    except (OSError, SafetensorError, KeyError, TypeError):
        return None
