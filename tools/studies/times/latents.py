"""The settings on latents of real heads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tools.studies.latent_training import sliced, train_on_latents
from tools.studies.times.plan import ARMS, LONGER

EVALUATIONS = (1, 2, 4)


@dataclass(frozen=True)
class LatentRow:
    """One training's end; distances are sliced Wasserstein distances from the training latents, in latent units.

    Attributes:
        arm: the setting.
        seed: of weights, draws and samples.
        mf: median raw MF loss of the last quarter, squared latent a dim.
        fm: likewise of the FM loss.
        one: distance of samples of one evaluation.
        two: of two.
        four: of four.
        spread: mean standard deviation of the one-step samples' numbers over that of the latents'.
        real: distance of one half of the latents from the other.
        noise: distance of noise.
    """

    arm: str
    seed: int
    mf: float
    fm: float
    one: float
    two: float
    four: float
    spread: float
    real: float
    noise: float


def latent_rows(arm: str, seed: int) -> list[LatentRow]:
    """Train one setting with one seed: one row."""
    (chosen,) = (one for one in (*ARMS, *LONGER) if one.name == arm)
    ended = train_on_latents(chosen.config(seed), EVALUATIONS)
    latents, half = ended.latents, len(ended.latents) // 2
    order = torch.randperm(len(latents), generator=torch.Generator().manual_seed(seed))
    one, two, four = (sliced(ended.samples[steps], latents, seed) for steps in EVALUATIONS)
    row = LatentRow(
        arm, seed, ended.mf, ended.fm, one, two, four, _spread(ended.samples[1]) / _spread(latents),
        sliced(latents[order[:half]], latents[order[half:]], seed), sliced(ended.noise, latents, seed),
    )  # fmt: skip
    return [row]


def _spread(samples: Tensor) -> float:
    """Standard deviation of a number over samples, averaged over the numbers."""
    return float(samples.double().std(dim=0).mean())
