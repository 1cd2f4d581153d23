"""Shrinks a configuration to a size that two CPU cores train in seconds, without changing its mathematics."""

from __future__ import annotations

import math
from typing import Any

from neuromf_spec.laws.ema import half_life

from neuromf.config.derived import run_facts
from neuromf.config.load import validate
from neuromf.config.schema import LATENT_CHANNELS, LATENT_STRIDE, Config
from neuromf.flow.block_counts import masked_blocks
from neuromf.nets.factory import parameter_count

STEPS = 30
"""Optimiser steps of the smoke training: the beta2 = 0.95 window of 20, one and a half times."""
SUBJECTS = 12
SCALED_SECTIONS: dict[str, dict[str, Any]] = {
    "data": {"source": "demo", "root": None, "demo_subjects": SUBJECTS, "spacing_mm": 3.0, "shape": [64, 64, 64]},
    # A small head fits whole and exactly, and its width need not be one that a full head's parts divide.
    "vae": {"checkpoint": "demo", "num_splits": 1, "norm_float16": False, "tile_voxels": None, "tile_overlap": 0.25},
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
        # The gate judges on paper whether a run can validate; thirty steps have nothing to stop early.
        "validate_every_epochs": 0,
        "validation_scans": 32,
        "validation_metric": "val_total",
        "early_stop_patience": None,
        "early_stop_min_improvement": 0.0,
        "init_from": None,
        "init_weights": "average",
    },
}
"""What is replaced. Everything else keeps the configuration's own value, the time scale above all."""
CELLS = 16
"""Of a latent of the smoke training along each axis."""


def small_scale(config: Config) -> Config:
    """Shrink `config`; warm-up and EMA keep their share of the run."""
    total = run_facts(config).optimiser_steps
    tree = config.model_dump(mode="json")
    for section, values in SCALED_SECTIONS.items():
        tree[section].update(_scaled(config, section, values))
    accumulation = max(
        2, math.ceil(_samples_for_both_kinds(config) / SCALED_SECTIONS["training"]["batch_size_per_gpu"])
    )
    tree["training"]["gradient_accumulation_steps"] = accumulation
    tree["training"]["micro_batches_per_epoch"] = accumulation * STEPS
    tree["training"]["warmup_steps"] = round(STEPS * config.training.warmup_steps / total)
    if (decay := config.ema.decay) is not None:
        as_short = math.exp(-math.log(2) * total / (STEPS * half_life(decay)))
        tree["ema"]["decay"] = min(max(as_short, 1e-6), 1 - 1e-6)
    tree["meanflow"].update(_fitting_mask(**{name: tree["meanflow"][name] for name in ("mask_share", "mask_block")}))
    tree["training"]["learning_rate"] = config.training.learning_rate * _bearable_factor(config, validate(tree))
    return validate(tree)


def _scaled(config: Config, section: str, values: dict[str, Any]) -> dict[str, Any]:
    """What is replaced in a section: of a network or an autoencoder of the user's own what can be told without it."""
    vae, unet = config.vae, config.unet
    if section == "unet" and unet.factory is not None:
        return {"factory_options": {**unet.factory_options, **unet.small_options}}
    usual = vae.factory is None and (vae.latent_channels, vae.stride) == (LATENT_CHANNELS, LATENT_STRIDE)
    if section == "vae" and not usual:
        return {key: value for key, value in values.items() if key != "checkpoint"}
    if section == "data":
        return {**values, "shape": [CELLS * vae.stride] * 3}
    return values


def _fitting_mask(mask_share: float, mask_block: int) -> dict[str, Any]:
    """A mask of the same share that leaves out a block of a small latent too: its blocks are halved until it does."""
    cells = (CELLS,) * 3
    if mask_share > 0:
        mask_share = max(mask_share, 1 / math.prod(cells))
        while not masked_blocks(cells, mask_block, mask_share):
            mask_block = max(1, mask_block // 2)
    return {"mask_share": mask_share, "mask_block": mask_block}


def _bearable_factor(config: Config, small: Config) -> float:
    """Factor on the learning rate of the small net: the square root of the ratio of parameters.

    At the full net's rate 30 steps of a net 370 times smaller would show no learning. At 20 times the rate they do, and
    those of a net 90 times smaller at 10 times (recipe `smoke`). A net that is small already keeps its rate.
    """
    return math.sqrt(parameter_count(config) / parameter_count(small))


def _samples_for_both_kinds(config: Config) -> float:
    """Samples an update needs to hold one FM and one MF sample; none where only one kind is asked for."""
    rarer = min(config.time_sampling.data_proportion, 1 - config.time_sampling.data_proportion)
    return 1 / rarer if rarer > 0 else 0.0
