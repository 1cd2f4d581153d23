"""A short training on latents of real heads, judged by its samples; studies change one setting of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neuromf.bisect.trainings import training_latents
from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.evaluation.sliced import sliced_wasserstein
from neuromf.training.batches.source import BatchSource
from neuromf.training.records.previews import averaged_net, draw_latents
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step

SETTING = (
    # Real heads at 6 mm, latents of 4 x 8^3, a net of two levels: 320 steps of 32 samples in some minutes of one core.
    "data.spacing_mm=6.0",
    "data.shape=[32,32,32]",
    "unet.channels=[16,32]",
    "unet.attention_levels=[false,true]",
    "unet.norm_num_groups=8",
    "training.epochs=40",
)
SEEDS = (0, 1, 2)
LAST = 80
"""Steps whose median is the final loss, a quarter of the training."""
SAMPLES, DIRECTIONS = 64, 256


@dataclass(frozen=True, kw_only=True)
class LatentTraining:
    """What a training came to.

    Attributes:
        mf: median raw MF loss of the last steps, squared latent a dim; NaN where there were no MF samples.
        fm: likewise of the FM loss.
        samples: one-step and two-step samples of the averaged weights, by evaluations.
        latents: what it was trained on.
        noise: what the samples are made of is drawn like this.
    """

    mf: float
    fm: float
    samples: dict[int, Tensor]
    latents: Tensor
    noise: Tensor


def train_on_latents(config: Config, evaluations: Sequence[int] = (1, 2)) -> LatentTraining:
    """Train on the cohort's latents, in this process, and draw from the averaged weights."""
    device, seed = torch.device("cpu"), config.training.seed
    latents = training_latents(config)
    state = initial_state(config, (1.0,) * latents.shape[1], device)
    source = BatchSource(latents, config, device)
    rows = [train_step(state, source, config).row for _ in range(run_facts(config).optimiser_steps)]
    shape = tuple(latents.shape[1:])
    drawn = {
        steps: draw_latents(averaged_net(state), config, shape, steps=steps, count=SAMPLES, seed=seed, device=device)
        for steps in evaluations
    }
    noise = torch.randn((SAMPLES, *shape), generator=torch.Generator().manual_seed(seed))
    mf, fm = (_level([row[name] for row in rows]) for name in ("raw_mf", "raw_fm"))
    return LatentTraining(mf=mf, fm=fm, samples=drawn, latents=latents, noise=noise)


def sliced(samples: Tensor, latents: Tensor, seed: int) -> float:
    """Sliced Wasserstein distance, in latent units."""
    flat, real = (part.flatten(1).double().numpy() for part in (samples, latents))
    return sliced_wasserstein(flat, real, directions=DIRECTIONS, seed=seed)


def _level(losses: Sequence[float | None]) -> float:
    kept = [loss for loss in losses[-LAST:] if loss is not None]
    return float(np.median(kept)) if kept else float("nan")
