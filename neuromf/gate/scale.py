"""Shrinks a configuration to a size that two CPU cores train in seconds, without changing its mathematics."""

from __future__ import annotations

import math
from typing import Any

import torch
from neuromf_spec.laws.ema import half_life

from neuromf.config.derived import run_facts
from neuromf.config.load import validate
from neuromf.config.schema import Config, UnetConfig
from neuromf.nets.unet import build_unet

STEPS = 30
"""Optimiser steps of the smoke training: the beta2 = 0.95 window of 20, one and a half times."""
SUBJECTS = 12
SCALED_SECTIONS: dict[str, dict[str, Any]] = {
    "data": {"source": "demo", "root": None, "demo_subjects": SUBJECTS, "spacing_mm": 3.0, "shape": [64, 64, 64]},
    # A small head fits whole, and its width need not be one that a full head's parts divide.
    "vae": {"checkpoint": "demo", "num_splits": 1, "tile_voxels": None, "tile_overlap": 0.25},
    "unet": {
        "channels": [8, 16, 32],
        "attention_levels": [False, False, True],
        "head_channels": 8,
        "num_res_blocks": 1,
        "norm_num_groups": 8,
        "resblock_updown": False,
    },
    "training": {
        "epochs": 1,
        "batch_size_per_gpu": 8,
        "gpus": 1,
        "checkpoint_every_steps": STEPS,
    },
}
"""What is replaced. Everything else keeps the configuration's own value, the time scale above all."""


def small_scale(config: Config) -> Config:
    """Shrink `config`; warm-up and EMA keep their share of the run."""
    total = run_facts(config).optimiser_steps
    tree = config.model_dump(mode="json")
    for section, values in SCALED_SECTIONS.items():
        tree[section].update(values)
    accumulation = max(
        2, math.ceil(_samples_for_both_kinds(config) / SCALED_SECTIONS["training"]["batch_size_per_gpu"])
    )
    tree["training"]["gradient_accumulation_steps"] = accumulation
    tree["training"]["micro_batches_per_epoch"] = accumulation * STEPS
    tree["training"]["warmup_steps"] = round(STEPS * config.training.warmup_steps / total)
    tree["training"]["learning_rate"] = config.training.learning_rate * _bearable_factor(config, tree["unet"])
    if (decay := config.ema.decay) is not None:
        as_short = math.exp(-math.log(2) * total / (STEPS * half_life(decay)))
        tree["ema"]["decay"] = min(max(as_short, 1e-6), 1 - 1e-6)
    return validate(tree)


def _bearable_factor(config: Config, small: dict[str, Any]) -> float:
    """Factor on the learning rate of the small net: the square root of the ratio of parameters.

    At the full net's rate 30 steps of a net 370 times smaller would show no learning. At 20 times the rate they do, and
    those of a net 90 times smaller at 10 times (recipe `smoke`). A net that is small already keeps its rate.
    """
    return math.sqrt(_parameters(config.unet) / _parameters(UnetConfig.model_validate(small, strict=False)))


def _parameters(settings: UnetConfig) -> int:
    with torch.device("meta"):
        net = build_unet(settings, v_head=False, seed=0)
    return sum(parameter.numel() for parameter in net.parameters())


def _samples_for_both_kinds(config: Config) -> float:
    """Samples an update needs to hold one FM and one MF sample; none where only one kind is asked for."""
    rarer = min(config.time_sampling.data_proportion, 1 - config.time_sampling.data_proportion)
    return 1 / rarer if rarer > 0 else 0.0
