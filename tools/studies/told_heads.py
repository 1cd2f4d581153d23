"""Heads that are asked for by their ventricles: how far samples follow what the network is told, guided and not.

A network is told how much each built-in head's ventricles were grown. How a latent goes with that is the slope of each
of its numbers over the training heads; along it every latent has a score, in units of what was told. Samples of the
same noise are asked for at two values: the difference of their scores over that of the values is 1 where they follow as
the training heads do, 0 where the network is deaf. Held-out heads are scored likewise, by regression.

`python -m tools.studies.told_heads` trains, and writes `golden/covariates/told_heads.csv` with its table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuromf.checkout import golden_folder
from neuromf.config import load_config
from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.data.covariates import encode_rows, given_covariates
from neuromf.data.index.covariate_rows import covariate_rows
from neuromf.training.batches.source import BatchSource
from neuromf.training.latents.store import training_store
from neuromf.training.records.previews import averaged_net, draw_latents
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tools.studies.kept_rows import show_table, write_rows
from tools.studies.latent_training import SEEDS, SETTING

FOLDER = golden_folder() / "covariates"
NAME, LOW, HIGH = "ventricle_expansion", 0.0, 0.4
"""What the network is told, and the two values that are asked for: within the middle two thirds of all heads."""
TOLD = (
    f'covariates.columns=["{NAME}=-0.15..0.55"]', "data.demo_subjects=128", "data.split_ratios=[0.75,0.25,0.0]",
)  # fmt: skip
GUIDED = (1.0, 2.0)
EVALUATIONS = (1, 10)
PAIRS = 32
SCHEMA = pa.DataFrameSchema(
    {
        "guidance": pa.Column(float), "seed": pa.Column(int), "held_out": pa.Column(float),
        **{f"follow_{steps}": pa.Column(float, pa.Check.in_range(-10, 10)) for steps in EVALUATIONS},
    },
    strict=True, ordered=True, coerce=True, unique=["guidance", "seed"],
)  # fmt: skip


@dataclass(frozen=True)
class ToldHeads:
    """One training.

    Attributes:
        guidance: factor by which samples are guided.
        seed: of weights, draws and samples.
        held_out: slope of held-out heads' scores over what they were grown by.
        follow_1: slope of samples of one evaluation over what was asked for.
        follow_10: of ten.
    """

    guidance: float
    seed: int
    held_out: float
    follow_1: float
    follow_10: float


def told_heads() -> Iterator[ToldHeads]:
    """Train with and without guidance, by seed."""
    for guidance in GUIDED:
        for seed in SEEDS:
            asked = [*SETTING, *TOLD, f"meanflow.guidance_scale={guidance}", f"training.seed={seed}"]
            yield _train(load_config(["smoke"], asked), guidance)


def _train(config: Config, guidance: float) -> ToldHeads:
    store, rows, device = training_store(config), covariate_rows(config, []), torch.device("cpu")
    latents, held_out = store.split("train"), store.split("validation")
    told, grown = ([rows[name] for name in store.scan_ids(split)] for split in ("train", "validation"))
    covariates = encode_rows(config.covariates, told)
    state = initial_state(config, (1.0,) * latents.shape[1], device)
    source = BatchSource(latents, config, device, covariates)
    for _ in range(run_facts(config).optimiser_steps):
        train_step(state, source, config)
    direction = slopes(latents, values(told))
    shape, seed = tuple(latents.shape[1:]), config.training.seed
    follow = {}
    for steps in EVALUATIONS:
        low, high = (
            draw_latents(
                averaged_net(state), config, shape, steps=steps, count=PAIRS, seed=seed, device=device,
                covariates_NK=given_covariates(config.covariates, {NAME: str(value)}, PAIRS),
            )
            for value in (LOW, HIGH)
        )  # fmt: skip
        follow[steps] = float((score(high, direction) - score(low, direction)).mean() / (HIGH - LOW))
    real = slope(score(held_out, direction), values(grown))
    return ToldHeads(guidance, seed, real, follow[1], follow[10])


def values(rows: list[dict[str, str]]) -> NDArray[np.float64]:
    """What each head was grown by."""
    return np.array([float(row[NAME]) for row in rows])


def slopes(latents: Tensor, grown: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slope of each number of the latents over `grown`, by least squares."""
    flat, centred = latents.flatten(1).double().numpy(), grown - grown.mean()
    found: NDArray[np.float64] = centred @ (flat - flat.mean(0)) / (centred @ centred)
    return found


def score(latents: Tensor, direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each latent is along the slopes, in units of what was grown, up to a constant."""
    found: NDArray[np.float64] = latents.flatten(1).double().numpy() @ direction / (direction @ direction)
    return found


def slope(scores: NDArray[np.float64], grown: NDArray[np.float64]) -> float:
    """Of the scores over what was grown, by least squares."""
    centred = grown - grown.mean()
    return float(centred @ scores / (centred @ centred))


def table(frame: pd.DataFrame) -> str:
    """Markdown: a row a guidance, each cell the mean and the range over the seeds."""
    lines = ["| guidance | held-out heads | samples, one evaluation | samples, ten evaluations |", "|---" * 4 + "|"]
    for guidance, rows in frame.groupby("guidance"):
        cells = [rows["held_out"], *(rows[f"follow_{steps}"] for steps in EVALUATIONS)]
        said = [f"{cell.mean():.2f} ({cell.min():.2f} to {cell.max():.2f})" for cell in cells]
        lines.append(f"| {guidance:g} | {' | '.join(said)} |")
    return "\n".join(lines)


def main() -> None:
    """Train and keep what was found."""
    torch.set_num_threads(1)
    frame = SCHEMA.validate(pd.DataFrame([asdict(row) for row in told_heads()]))
    write_rows(FOLDER / "told_heads.csv", frame)
    show_table(FOLDER, "told_heads", table(frame))


if __name__ == "__main__":
    main()
