"""The trainings: the same weights, latents, noise and times, and another number type of the derivative alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from unittest import mock

import torch

from neuromf.config.load import load_config
from neuromf.config.schema import Config
from neuromf.flow import number_type
from neuromf.flow.settings import NumberType
from tools.performance.emulated_products import bf16_products, tf32_products
from tools.studies.latent_training import SETTING, sliced, train_on_latents

KINDS: tuple[NumberType, ...] = ("fp32", "tf32", "bf16")


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
    with emulated():
        ended = train_on_latents(configured(precision, seed))
    one, two, noise = (sliced(part, ended.latents, seed) for part in (ended.samples[1], ended.samples[2], ended.noise))
    return Trained(precision, seed, ended.mf, ended.fm, one, two, noise)
