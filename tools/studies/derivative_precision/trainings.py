"""The trainings: the same weights, latents, noise and times, and another number type of the derivative alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from unittest import mock

import numpy as np
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor

from neuromf.bisect.trainings import training_latents
from neuromf.config.derived import run_facts
from neuromf.config.load import load_config
from neuromf.config.schema import Config
from neuromf.flow import number_type
from neuromf.flow.settings import NumberType
from neuromf.training.batches.source import BatchSource
from neuromf.training.records.previews import averaged_net, draw_latents
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tools.performance.emulated_products import bf16_products, tf32_products

SETTING = (
    # Real heads at 6 mm, latents of 4 x 8^3, a net of two levels: 320 steps of 32 samples in some minutes of one core.
    "data.spacing_mm=6.0",
    "data.shape=[32,32,32]",
    "unet.channels=[16,32]",
    "unet.attention_levels=[false,true]",
    "unet.norm_num_groups=8",
    "training.epochs=40",
)
KINDS: tuple[NumberType, ...] = ("fp32", "tf32", "bf16")
SEEDS = (0, 1, 2)
LAST = 80
"""Steps whose median is the final loss, a quarter of the training."""
SAMPLES, DIRECTIONS = 64, 256


@dataclass(frozen=True)
class Trained:
    """One training's end.

    Attributes:
        precision: number type of du/dt; TF32 and bfloat16 are emulated, `emulated`.
        seed: of weights, draws and samples.
        mf: median raw MF loss of the last steps, squared latent a dim.
        fm: likewise of the FM loss.
        one_step: sliced Wasserstein distance of one-step samples from the training latents, latent units.
        two_steps: likewise of two-step samples.
        noise: likewise of the noise that the samples are made of.
    """

    precision: str
    seed: int
    mf: float
    fm: float
    one_step: float
    two_steps: float
    noise: float


def configured(precision: NumberType, seed: int) -> Config:
    """The smoke recipe at the study's size."""
    return load_config(["smoke"], [*SETTING, f"meanflow.derivative_precision={precision}", f"training.seed={seed}"])


@contextmanager
def emulated() -> Iterator[None]:
    """Whatever asks for TF32 or bfloat16 gets rounded float32.

    No processor has TF32, and one without instructions for bfloat16 takes eight times as long in it.
    """

    def tf32(allowed: bool) -> AbstractContextManager[object]:
        return tf32_products() if allowed else nullcontext()

    def autocast(*_: object, enabled: bool, **__: object) -> AbstractContextManager[object]:
        return bf16_products() if enabled else nullcontext()

    with mock.patch.object(number_type, "tf32", tf32), mock.patch.object(torch, "autocast", autocast):
        yield


def train(precision: NumberType, seed: int) -> Trained:
    """Train once and judge the averaged weights by their samples."""
    config, device = configured(precision, seed), torch.device("cpu")
    latents = training_latents(config)
    state = initial_state(config, (1.0,) * latents.shape[1], device)
    source = BatchSource(latents, config, device)
    with emulated():
        rows = [train_step(state, source, config).row for _ in range(run_facts(config).optimiser_steps)]
    shape = tuple(latents.shape[1:])
    drawn = {
        steps: draw_latents(averaged_net(state), config, shape, steps=steps, count=SAMPLES, seed=seed, device=device)
        for steps in (1, 2)
    }
    noise = torch.randn((SAMPLES, *shape), generator=torch.Generator().manual_seed(seed))
    return Trained(
        precision, seed, _level([row["raw_mf"] for row in rows]), _level([row["raw_fm"] for row in rows]),
        sliced(drawn[1], latents, seed), sliced(drawn[2], latents, seed), sliced(noise, latents, seed),
    )  # fmt: skip


def sliced(samples: Tensor, latents: Tensor, seed: int) -> float:
    """Mean Wasserstein distance of projections on random directions, in latent units."""
    flat, real = (part.flatten(1).double().numpy() for part in (samples, latents))
    directions = np.random.default_rng(seed).standard_normal((flat.shape[1], DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    pairs = zip((flat @ directions).T, (real @ directions).T, strict=True)
    return float(np.mean([wasserstein_distance(one, other) for one, other in pairs]))


def _level(losses: list[float | None]) -> float:
    return float(np.median([loss for loss in losses[-LAST:] if loss is not None]))
