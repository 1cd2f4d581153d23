"""The trainer on the bilinear net beside the training written out by hand, at settings that are drawn."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from neuromf_spec.reference.bilinear import BilinearNet
from neuromf_spec.reference.schedule import lr_multiplier
from neuromf_spec.reference.training import HandSettings, StepInput, train_by_hand

from neuromf.config import Config, load_config, run_facts
from neuromf.training.batches.source import BatchSource
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.step.state import state_around
from neuromf.training.step.train_step import StepRecord, train_step
from tests.support.double_source import DoubleSource
from tests.support.law_strategies import BilinearModule, bilinear_reference

SHAPE = (4, 2, 2, 2)
DIMS = math.prod(SHAPE)
STEPS = 5
TOLERANCE = 1e-12
"""Relative: both sides are float64 and differ in the order of sums alone; measured 6e-16 in 60 settings."""
AVERAGE_TOLERANCE = 2e-5
"""Of ema_gap: the trainer's average is float32, 6e-8 of weights that are 1e-2 of themselves away; measured 6e-7."""
FIXED = (
    "meanflow.prediction=u", "training.diagnostics=false", "training.batch_size_per_gpu=4", "training.epochs=4",
    "training.micro_batches_per_epoch=10", "training.learning_rate=0.01", "ema.decay=0.5",
)  # fmt: skip
OPTIONS: dict[str, tuple[Any, ...]] = {
    "meanflow.tangent": ("conditional", "model"),
    "meanflow.loss_terms": ("single", "dual"),
    "meanflow.reduction": ("mean", "sum"),
    "meanflow.norm_eps": (0.01, 1.0, 50.0),
    "meanflow.norm_p": (0.0, 0.5, 1.0),
    "time_sampling.data_proportion": (0.25, 0.75),
    "training.optimiser": ("adamw",),
    "training.lr_schedule": ("constant", "cosine", "linear"),
    "training.warmup_steps": (0, 1, 2, 3, 4),
    "training.beta1": (0.0, 0.9),
    "training.beta2": (0.95, 0.999),
    "training.weight_decay": (0.0, 0.1),
    "training.gradient_clip": ("null", 1e-3, 1e3),
    "training.gradient_accumulation_steps": (1, 2, 3),
    "meanflow.loss_power": (2.0, 1.0, 1.5, 3.0),
    "meanflow.mask_share": (0.0, 0.0, 0.5, 0.9),
}
"""What is drawn; a clip of 1e-3 binds in every step, one of 1e3 in none."""


def drawn_options(seed: int) -> dict[str, Any]:
    """One value of each option, with the seed of the run."""
    generator = random.Random(seed)
    return {key: generator.choice(values) for key, values in OPTIONS.items()} | {"training.seed": seed}


def configured(options: Mapping[str, Any]) -> Config:
    """The configuration of a run on the bilinear net."""
    block = ("meanflow.mask_block=1",) if options.get("meanflow.mask_share") else ()  # of latents of 2^3 cells
    return load_config(["smoke"], [*FIXED, *block, *(f"{key}={value}" for key, value in options.items())])


def source_of(config: Config) -> DoubleSource:
    """Six latents of unit variance, drawn by the run's seed."""
    drawn = np.random.default_rng(config.training.seed).standard_normal((6, *SHAPE)).astype(np.float32)
    return DoubleSource(torch.from_numpy(drawn), config, torch.device("cpu"))


def train_records(config: Config, reference: BilinearNet, group: ProcessGroup, steps: int = STEPS) -> list[StepRecord]:
    """What the trainer records of its first steps."""
    state, source = state_around(BilinearModule(reference), config, group), source_of(config)  # type: ignore[arg-type]
    return [train_step(state, source, config) for _ in range(steps)]


def net_of(config: Config) -> BilinearNet:
    """The bilinear net that a run starts from."""
    return bilinear_reference(config.training.seed, DIMS)


def inputs_of(source: BatchSource, step: int) -> StepInput:
    """Data, noise, times and masks of all samples of a step."""
    batches = [source.draw(step, start, size) for start, size in source.micro_batches()]
    x, e, r, t = (torch.cat([getattr(b, name) for b in batches]).numpy() for name in ("x", "e", "r_B", "t_B"))
    masks = [torch.ones_like(b.x) if b.mask is None else b.mask.expand_as(b.x) for b in batches]
    mask = torch.cat(masks).double().numpy()
    return StepInput(*(part.reshape(len(x), -1) for part in (x, e)), r, t, mask.reshape(len(x), -1))


def train_as_written(config: Config, reference: BilinearNet) -> list[dict[str, float]]:
    """The same steps by hand."""
    training, objective, source = config.training, config.meanflow, source_of(config)
    schedule = (run_facts(config).optimiser_steps, training.warmup_steps, training.lr_schedule)
    rates = [training.learning_rate * lr_multiplier(step, *schedule) for step in range(STEPS)]
    hand = HandSettings(
        tangent=objective.tangent,
        dual=objective.loss_terms == "dual",
        mean=objective.reduction == "mean",
        power=objective.loss_power,
        norm_eps=objective.norm_eps,
        norm_p=objective.norm_p,
        beta1=training.beta1,
        beta2=training.beta2,
        epsilon=training.adam_eps,
        weight_decay=training.weight_decay,
        clip=training.gradient_clip,
        ema_decay=config.ema.decay,
    )
    return train_by_hand(reference, [inputs_of(source, step) for step in range(STEPS)], rates, hand)


def parted(records: list[StepRecord], written: list[dict[str, float]]) -> list[str]:
    """Where the trainer's numbers are not those of the training by hand."""
    found = []
    for step, (record, expected) in enumerate(zip(records, written, strict=True)):
        row: Mapping[str, Any] = record.row
        for name, value in expected.items():
            bound = AVERAGE_TOLERANCE if name == "ema_gap" else TOLERANCE
            if row[name] is None or not abs(row[name] - value) <= bound * abs(value):
                found.append(f"step {step}: {name} is {row[name]}, by hand {value}")
        found += [
            f"step {step}: {name}" for name in ("raw_fm", "raw_mf") if (row[name] is None) != (name not in expected)
        ]
    return found
