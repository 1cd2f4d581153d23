"""What an evaluation keeps in the run's folder: descriptions of real scans, made once, and the numbers it found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from neuromf.data.content import content_key
from neuromf.errors import InputError
from neuromf.evaluation.document import SCHEMA, evaluation_document
from neuromf.evaluation.result import SampleEvaluation
from neuromf.evaluation.subject import EvaluatedRun, Scans
from neuromf.evaluation.volumes import Described, Describer, describe_latents
from neuromf.json_text import json_text
from neuromf.output import whole_file

FOLDER = "evaluation"
MEAN = "mean_volume"
OF_THE_PLACE = ("run", "seconds")
"""Keys of an evaluation's document that say where and how fast it was made, not what it found."""


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


def keep_evaluation(run: Path, evaluation: SampleEvaluation) -> None:
    """Keep the newest evaluation of a step, for an export to tell of."""
    path = _kept_path(run, evaluation.step)
    path.parent.mkdir(exist_ok=True)
    kept = {key: value for key, value in evaluation_document(evaluation).items() if key not in OF_THE_PLACE}
    with whole_file(path) as staging:
        staging.write_text(json_text(kept) + "\n", encoding="utf-8")


def kept_evaluation(run: Path, step: int) -> dict[str, Any] | None:
    """The newest evaluation of a step; None where there was none.

    Raises:
        InputError: what is kept of it cannot be read.
    """
    path, remedy = _kept_path(run, step), "run `neuromf evaluate` again, or delete the file"
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        form, of_step = found["schema"], found["step"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"the evaluation cannot be read ({error!r})", remedy=remedy, file=path) from error
    for key, value, wanted in (("schema", form, SCHEMA), ("step", of_step, step)):
        if value != wanted:
            raise InputError(f"says {value!r}, not {wanted}", remedy=remedy, file=path, key=key)
    return {str(key): value for key, value in found.items()}


def _kept_path(run: Path, step: int) -> Path:
    return run / FOLDER / f"step_{step:08d}.json"
