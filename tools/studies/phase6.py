"""What the small sweep of phase 6 found, with the samples of its runs: `golden/phase6/rows.csv` and its page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import torch
from numpy.typing import NDArray

from neuromf.checkout import golden_folder
from neuromf.evaluation.measures import SlicedDistance, projections
from neuromf.evaluation.subject import open_subject
from neuromf.sweep.arms import arms_of, epochs_of, run_folder
from neuromf.sweep.differences import PairedDifference, paired_difference
from neuromf.sweep.specification import read_sweep
from neuromf.trace.exact import read_exact
from tools.marked_block import replace_block
from tools.studies.kept_rows import show_table, write_rows

FOLDER = golden_folder() / "phase6"
SWEEP = "phase6_small"
BASE = "base"
SAMPLES, MOST = 64, 64
"""Samples of a run, and held-out heads."""
SHOWN = {"val_mf": "MF loss of held-out heads", "one": "one step", "two": "two steps", "spread": "spread"}
_NUMBER = pa.Column(float, pa.Check.gt(0))
SCHEMA = pa.DataFrameSchema(
    {"arm": pa.Column(str), "seed": pa.Column(int), **dict.fromkeys(SHOWN, _NUMBER)},
    strict=True, ordered=True, unique=["arm", "seed"],
)  # fmt: skip


@dataclass(frozen=True)
class SweptRun:
    """One training of the sweep.

    Attributes:
        arm: the setting.
        seed: of weights, draws and samples.
        val_mf: raw MF loss of held-out heads by the averaged weights, squared latent a dim.
        one: sliced Wasserstein distance of samples of one evaluation from held-out heads, 1e-3 latent.
        two: of two.
        spread: mean standard deviation of the numbers of one-step samples over that of held-out heads.
    """

    arm: str
    seed: int
    val_mf: float
    one: float
    two: float
    spread: float


def swept_runs(folder: Path) -> Iterator[SweptRun]:
    """The sweep's trainings, each with samples that are drawn and measured now.

    Args:
        folder: of a `neuromf sweep phase6_small` that is finished.
    """
    found = json.loads((folder / "result.json").read_text(encoding="utf-8"))["arms"]
    asked = read_sweep(SWEEP)
    for arm, told in zip(arms_of(asked, epochs_of(asked, SWEEP), SWEEP), found, strict=True):
        for seed, value in told["values"][str(told["epochs"])].items():
            yield SweptRun(arm.name, int(seed), value, *_samples(run_folder(folder, arm, int(seed)), int(seed)))


def _samples(run: Path, seed: int) -> tuple[float, float, float]:
    """Distances of samples of one and of two evaluations from all held-out heads, and the spread of the former."""
    subject = open_subject(run, checkpoint=None, vae=None, device=torch.device("cpu"))
    real = subject.chosen(("validation",), MOST, seed=0).latents
    raw = subject.store.statistics.denormalise
    one, two = (subject.draw(steps, SAMPLES, seed, lambda _: None) for steps in (1, 2))
    held_out = raw(real).flatten(1).numpy()
    distances = [1000 * _distance(raw(drawn).flatten(1).numpy(), held_out) for drawn in (one, two)]
    spread = float(one.double().std(dim=0).mean() / real.double().std(dim=0).mean())
    return distances[0], distances[1], spread


def _distance(samples: NDArray[np.float32], held_out: NDArray[np.float32]) -> float:
    """Sliced Wasserstein, along the same directions for every run."""
    parts = [projections(part, seed=0) for part in (samples, held_out)]
    return SlicedDistance(*parts)(*(np.arange(len(part)) for part in parts))


def write(rows: list[SweptRun], folder: Path) -> pd.DataFrame:
    """Keep the rows, and put the table into the folder's page."""
    frame = SCHEMA.validate(pd.DataFrame([asdict(row) for row in rows]))
    write_rows(folder / "rows.csv", frame)
    kept = read(folder)
    show_table(folder, "phase6", table(kept))
    return kept


def read(folder: Path = FOLDER) -> pd.DataFrame:
    """The kept rows."""
    return SCHEMA.validate(read_exact(folder / "rows.csv"))


def on_page(text: str, frame: pd.DataFrame) -> str:
    """A page with the table of these rows."""
    return replace_block(text, "phase6", table(frame))


def of_seeds(frame: pd.DataFrame, arm: str, name: str) -> Mapping[int, float]:
    """A number of an arm, by seed."""
    rows = frame[frame["arm"] == arm]
    return {int(seed): float(value) for seed, value in zip(rows["seed"], rows[name], strict=True)}


def difference(frame: pd.DataFrame, arm: str, name: str, base: str = BASE) -> PairedDifference:
    """An arm less another, seed by seed."""
    return paired_difference(of_seeds(frame, arm, name), of_seeds(frame, base, name))


def table(frame: pd.DataFrame) -> str:
    """Markdown: the base's means, and of every other arm the difference from it with the 95 % interval of the seeds."""
    lines = [f"| | {' | '.join(SHOWN.values())} |", "|---" * (1 + len(SHOWN)) + "|"]
    for arm in frame["arm"].unique():
        lines.append(f"| {arm} | {' | '.join(_cell(frame, arm, name) for name in SHOWN)} |")
    return "\n".join(lines)


def _cell(frame: pd.DataFrame, arm: str, name: str) -> str:
    if arm == BASE:
        values = of_seeds(frame, arm, name).values()
        return f"{sum(values) / len(values):.4g}"
    found = difference(frame, arm, name)
    text = f"{found.mean:+.3g} ({found.low:+.3g} to {found.high:+.3g})"
    return f"**{text}**" if found.is_apart else text
