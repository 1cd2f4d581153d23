"""The failed run's configuration at a size that two CPU cores train, and its repairs one by one."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf.config.load import load_config
from neuromf.config.schema import Config

SMALL = (
    "data.demo_subjects=24",
    "data.spacing_mm=6.0",
    "data.shape=[32,32,32]",
    "vae.checkpoint=demo",
    "unet.channels=[8,16]",
    "unet.attention_levels=[false,false]",
    "unet.head_channels=8",
    "unet.num_res_blocks=1",
    "unet.norm_num_groups=4",
    "training.batch_size_per_gpu=8",
    "training.gpus=1",
    "training.learning_rate=0.001",
    "training.diagnostics=false",
    "training.checkpoint_every_steps=1000",
)
"""What is smaller than in the failed run, and nothing else: latents of 4 x 8^3, a net of 0.1 M parameters that bears a
learning rate ten times larger, and half of its effective batch."""
EPOCHS = 225
WARMUP_SHARE = 5_000 / 6_750
"""Of the run, as in the failed one, where it is trained for fewer epochs."""


@dataclass(frozen=True)
class Repair:
    """A change of the failed configuration.

    Attributes:
        name: a word for tables and file names.
        origin: who proposes it.
        overrides: what it changes.
    """

    name: str
    origin: str
    overrides: tuple[str, ...]


EXACT = ("meanflow.jvp=exact", "meanflow.fd_step=null")
REVIEW = (
    Repair("norm_eps", "review, E1", ("meanflow.norm_eps=1.0",)),
    Repair("warmup", "review, RC1", ("training.warmup_steps=0", "training.lr_schedule=constant")),
    Repair("beta2", "review, RC2", ("training.beta2=0.95",)),
    Repair("data_proportion", "review, RC3", ("time_sampling.data_proportion=0.75",)),
    Repair("accumulation", "review, E2", ("training.gradient_accumulation_steps=4",)),
)
LAWS = (
    Repair("exact_jvp", "JVP-003", EXACT),
    Repair("time_scale", "JVP-005", ("unet.time_scale=1.0",)),
    Repair("float32", "PREC-001", ("training.precision=fp32",)),
)


def _together(name: str, origin: str, *groups: tuple[Repair, ...]) -> Repair:
    return Repair(name, origin, tuple(change for group in groups for repair in group for change in repair.overrides))


REPAIRS = (
    Repair("none", "the failed run", ()),
    *REVIEW,
    _together("review_together", "review, all of the above", REVIEW),
    *LAWS,
    Repair("exact_jvp_and_time_scale", "JVP-003 and JVP-005", (*EXACT, "unet.time_scale=1.0")),
    _together("laws_together", "JVP-003, JVP-005, PREC-001", LAWS),
    _together("all_together", "review and laws", REVIEW, LAWS),
)
"""The failed run as it was, each repair alone, and together."""


def small_config(repair: Repair, seed: int, epochs: int = EPOCHS) -> Config:
    """The failed configuration at small scale with one repair.

    The number of samples is kept: with accumulation a run has fewer optimiser steps, as it had for the review.

    Args:
        repair: what is changed.
        seed: of weights and batches.
        epochs: of 30 micro-batches each.
    """
    accumulation = next((int(o.partition("=")[2]) for o in repair.overrides if "accumulation" in o), 1)
    warmup = round(WARMUP_SHARE * epochs * 30 / accumulation)
    overrides = [f"training.epochs={epochs}", f"training.warmup_steps={warmup}", f"training.seed={seed}"]
    return load_config(["failed_225"], [*SMALL, *overrides, *repair.overrides])
