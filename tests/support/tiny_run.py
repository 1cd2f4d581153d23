"""The smallest configuration that trains on real MRI latents."""

from __future__ import annotations

from neuromf.config import Config, load_config

SCALE = (
    "data.demo_subjects=4",
    "data.spacing_mm=6.0",
    "data.shape=[32,32,32]",
    "data.split_ratios=[0.75,0.25,0.0]",
    "unet.channels=[8,16]",
    "unet.attention_levels=[false,false]",
    "unet.head_channels=8",
)
"""Latents of 4 x 8^3 from real heads, and a net of two levels."""

TINY = (
    *SCALE,
    "training.epochs=2",
    "training.micro_batches_per_epoch=6",
    "training.batch_size_per_gpu=4",
    "training.gradient_accumulation_steps=2",
    "training.checkpoint_every_steps=2",
)
"""Six optimiser steps of eight samples on latents of 4 x 8^3."""


def allow_blocked(*overrides: str) -> list[str]:
    """Options of a `neuromf train` with these overrides, and with a reason to start where a law blocks them."""
    return [
        *(part for override in overrides for part in ("--set", override)),
        "--allow-blocked",
        "a test of the command",
    ]


def make_tiny_config(*overrides: str) -> Config:
    """The smoke recipe at the size of a unit test, with further overrides."""
    return load_config(["smoke"], [*TINY, *overrides])
