"""The smoke training is of the configuration that was asked for: what is scaled is declared here, all else is kept."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from neuromf.config import Config, load_config
from neuromf.config.resolve import flat_config
from neuromf.gate import scale
from neuromf.gate.scale import small_scale
from tests.support.config_strategies import configs

STEPS, BATCH = 30, 8
NET = {
    "unet.channels": [8, 16, 32],
    "unet.attention_levels": [False, False, True],
    "unet.head_channels": 8,
    "unet.num_res_blocks": 1,
    "unet.norm_num_groups": 8,
    "unet.resblock_updown": False,
}
"""A net that two cores train in seconds."""
COHORT = {
    "data.source": "demo",
    "data.root": None,
    "data.demo_subjects": 12,
    "data.spacing_mm": 3.0,
    "data.shape": [64, 64, 64],
    "vae.checkpoint": "demo",
    "vae.norm_float16": False,
    "vae.num_splits": 1,
    "vae.tile_voxels": None,
    "vae.tile_overlap": 0.25,
}
"""Shipped heads and autoencoder, for a user's own may not be encoded yet; at this size a head is taken whole."""
COUNTS = {
    "training.epochs": 1,
    "training.gpus": 1,
    "training.batch_size_per_gpu": BATCH,
    "training.checkpoint_every_steps": STEPS,
    "training.validate_every_epochs": 0,
    "training.validation_scans": 32,
    "training.validation_metric": "val_total",
    "training.early_stop_patience": None,
    "training.early_stop_min_improvement": 0.0,
    "training.init_from": None,
    "training.init_weights": "average",
}
"""One short epoch on one device, from scratch: another run's weights are of a net of another size."""
CONSTANTS = NET | COHORT | COUNTS
DERIVED = {
    "training.gradient_accumulation_steps": "an update must hold an FM and an MF sample",
    "training.micro_batches_per_epoch": "thirty updates of that many micro-batches",
    "training.warmup_steps": "the same share of the run",
    "training.learning_rate": "a smaller net bears a higher rate, and shows nothing at the full net's",
    "ema.decay": "the same share of the run",
    "meanflow.mask_share": "at least one cell of a small latent",
    "meanflow.mask_block": "a small latent leaves out a block too",
}
"""Keys that depend on the configuration, each with the reason why it is not kept."""


def width(config: Config) -> float:
    """Stands for the count of parameters, which takes a third of a second for a large net."""
    return float(sum(config.unet.channels)) ** 2


def constants(config: Config) -> dict[str, object]:
    """What is replaced; an autoencoder of other channels or stride stays, and its latents have as many cells."""
    vae = config.vae
    own = (vae.latent_channels, vae.stride) != (4, 4)
    changed = {"data.shape": [16 * vae.stride] * 3, **({"vae.checkpoint": vae.checkpoint} if own else {})}
    return {**CONSTANTS, **changed}


@pytest.mark.law("CFG-001")
@given(config=configs())
def test_only_declared_keys_are_scaled(config):
    """Every key of the schema is kept, save for a declared list; none of the kept ones is left at its default."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scale, "parameter_count", width)
        asked, small = flat_config(config), flat_config(small_scale(config))
    assert {key: small[key] for key in CONSTANTS} == constants(config)
    kept = [key for key in asked if key not in CONSTANTS and key not in DERIVED]
    assert {key: small[key] for key in kept} == {key: asked[key] for key in kept}


@pytest.mark.law("CFG-001")
@pytest.mark.parametrize(
    ("share", "block", "share_small", "block_small"),
    [
        (0.5, 4, 0.5, 4),
        (0.02, 4, 0.02, 4),
        (0.005, 4, 0.005, 2),
        (0.9, 48, 0.9, 12),
        (0.001, 8, 0.001, 2),
        (0.0001, 1, 1 / 4096, 1),
    ],
)
def test_a_mask_leaves_out_a_block_of_a_small_latent_too(share, block, share_small, block_small):
    """Its share stays, if that is a cell at least, and its blocks are as they were or halved as often as it takes."""
    overrides = ["data.shape=[384,384,384]", f"meanflow.mask_share={share}", f"meanflow.mask_block={block}"]
    small = small_scale(load_config("recommended", overrides)).meanflow
    assert (small.mask_share, small.mask_block) == (share_small, block_small)


@given(config=configs())
def test_scaled_keys_keep_their_meaning_in_a_run_of_thirty_steps(config):
    """Warm-up and half-life keep their share, an update holds both kinds, the rate follows the net's size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scale, "parameter_count", width)
        asked, small = flat_config(config), flat_config(small_scale(config))
    micro_batches = asked["training.epochs"] * asked["training.micro_batches_per_epoch"]
    steps = micro_batches // asked["training.gradient_accumulation_steps"]
    share = asked["time_sampling.data_proportion"]
    both = 1 / min(share, 1 - share) if 0 < share < 1 else 0.0
    assert small["training.gradient_accumulation_steps"] == max(2, math.ceil(both / BATCH))
    each = small["training.gradient_accumulation_steps"]
    assert small["training.micro_batches_per_epoch"] == STEPS * each
    assert small["training.warmup_steps"] == round(STEPS * asked["training.warmup_steps"] / steps)
    grown = sum(asked["unet.channels"]) / sum(NET["unet.channels"])
    assert small["training.learning_rate"] == pytest.approx(asked["training.learning_rate"] * grown)
    # A half-life of the same share of the run leaves as much of the first weights at its end.
    decay = asked["ema.decay"]
    left = None if decay is None else min(max(decay ** (steps / STEPS), 1e-6), 1 - 1e-6)
    assert small["ema.decay"] == (left if left is None else pytest.approx(left))
