"""What the scenarios share: two small configurations, their data, and a short text for tensors."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from neuromf.config import load_config
from neuromf.data.nifti import write_volume
from neuromf.flow.batch import Batch
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae
from neuromf.nets.vae_checkpoint import save_vae
from tests.support.tiny_run import TINY, make_tiny_config

CPU = torch.device("cpu")
SHAPE = (4, 4, 4, 4)
SMALL = (
    "data.shape=[16,16,16]", "unet.channels=[4,8]", "unet.attention_levels=[true,false]", "unet.head_channels=4",
    "unet.norm_num_groups=2", "training.batch_size_per_gpu=4", "training.gradient_accumulation_steps=1",
    "training.epochs=100", "training.micro_batches_per_epoch=4", "training.warmup_steps=2",
    "training.lr_schedule=cosine", "training.weight_decay=0.1", "training.gradient_clip=0.5",
    "training.checkpoint_every_steps=2", "time_sampling.data_proportion=0.25", "meanflow.norm_p=0.5",
    "training.seed=3",
)  # fmt: skip
FIRST = make_tiny_config(*SMALL, "meanflow.channel_weights=[1.0,2.0,3.0,4.0]")
DUAL = (*SMALL, "meanflow.loss_terms=dual", "meanflow.reduction=sum", "training.reported_loss=weighted")
SECOND = make_tiny_config(
    *DUAL, "meanflow.prediction=u", "meanflow.jvp=finite_difference", "meanflow.fd_step=0.01",
    "meanflow.tangent=v_head", "training.optimiser=adam", "meanflow.channel_weights=inverse_variance",
)  # fmt: skip
THIRD = make_tiny_config(*DUAL, "time_sampling.t_min=0.02")
"""Small runs that part in every choice that has two ways through the code."""
ONE_LEVEL = make_tiny_config(*SMALL, "unet.channels=[4]", "unet.attention_levels=[true]")
"""A run whose network has no level of two cells, where some processors compute bfloat16 wrongly."""
STOPPING = (
    "training.validate_every_epochs=2", "training.validation_scans=3", "training.early_stop_patience=2",
    "training.early_stop_min_improvement=0.1",
)  # fmt: skip
VALIDATING = make_tiny_config(*SMALL, *STOPPING, "training.micro_batches_per_epoch=1", "data.demo_subjects=16")
VALIDATING_DUAL = make_tiny_config(*DUAL, *STOPPING, "training.micro_batches_per_epoch=1")
"""Runs that validate and may stop early."""

OWN = load_config("recommended", [
    *(override for override in (*TINY, *SMALL) if not override.startswith("unet.")),
    "unet.factory=tests.support.own_package.nets:build", "unet.factory_options.width=4", "unet.small_options.width=2",
])  # fmt: skip
"""A run whose network is a user's own."""
OWN_VAE = (
    "vae.checkpoint=factory", "vae.factory=tests.support.own_package.vaes:build", "vae.factory_options.channels=5",
    "vae.factory_options.stride=4", "vae.latent_channels=5",
)  # fmt: skip
"""An autoencoder that is a user's own."""


def digest(*tensors: Tensor) -> str:
    """Twelve hexadecimal digits of tensors' bytes."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()[:12]


def latents() -> Tensor:
    """Five latents of unit variance."""
    return torch.from_numpy(np.random.default_rng(0).standard_normal((5, *SHAPE)).astype(np.float32))


def points() -> Batch:
    """Two samples with r < t and two with r = t, one of them below the clamp of 1/t."""
    generator = np.random.default_rng(0)
    x, e = (torch.from_numpy(generator.standard_normal((4, *SHAPE)).astype(np.float32)) for _ in range(2))
    t = torch.tensor([0.02, 0.3, 0.6, 0.9])
    return Batch(x, e, torch.where(torch.arange(4) % 2 == 0, 0.5 * t, t), t)


def box(seed: int) -> np.ndarray:
    """A scan: noise in a box."""
    data = np.zeros((12, 12, 12), np.float32)
    data[1:11, 1:11, 2:11] = np.random.default_rng(seed).random((10, 10, 9), dtype=np.float32)
    return data


def small_cohort(out: Path, subjects: int, seed: int, *_: object) -> Path:
    """A BIDS folder of such scans, by subject and seed."""
    for index in range(subjects):
        file = out / f"sub-{index:03d}" / "anat" / f"sub-{index:03d}_T1w.nii.gz"
        write_volume(file, box(1000 * seed + index), np.diag([2.0, 2.0, 2.0, 1.0]))
    return out


def small_autoencoder(path: Path, seed: int) -> str:
    """An autoencoder that encodes in milliseconds; another seed gives another one."""
    architecture = VaeArchitecture((4, 4, 4), (1, 1, 1), 2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_vae(architecture)
    save_vae(path, network, architecture, 1.0 + seed)
    return str(path)
