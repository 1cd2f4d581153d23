"""Train the autoencoder that ships with neuromf: `python -m tools.demo_vae.train --out DIR --steps N --seed 0`."""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from neuromf.nets.vae import LatentCodec
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae
from neuromf.nets.vae_checkpoint import save_vae
from tools.demo_vae.initialise import narrow_posterior, whiten_latents
from tools.demo_vae.objective import autoencoder_loss
from tools.demo_vae.provenance import write_provenance
from tools.demo_vae.quality import reconstruction_quality
from tools.demo_vae.volumes import demo_volumes

ARCHITECTURE = VaeArchitecture(num_channels=(16, 16, 64), num_res_blocks=(1, 1, 1), norm_num_groups=8)
HELD_OUT = 8
WARM_UP_STEPS = 50
PEAK_LEARNING_RATE = 6e-4
PATCH = 32
PATCH_SHARE = 0.92


def train(volumes: Tensor, steps: int, seed: int) -> nn.Module:
    """Train from scratch in bfloat16 with float32 weights: patches first, because they are quick, then whole volumes.

    Args:
        volumes: (N, 1, 64, 64, 64) in [0, 1].
        steps: optimiser steps, one patch or volume each.
        seed: seed of initial weights, order, patches and posterior noise.

    Returns:
        The trained network.
    """
    torch.manual_seed(seed)
    network = build_vae(ARCHITECTURE)
    narrow_posterior(network)
    whiten_latents(network, volumes[:4])
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: learning_rate_factor(step, steps))
    started = time.monotonic()
    for step in range(steps):
        volume = volumes[torch.randint(len(volumes), (1,))]
        loss = _training_loss(network, random_patch(volume) if step < PATCH_SHARE * steps else volume)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            print(f"step {step}  loss {loss.item():.5f}  {time.monotonic() - started:.0f} s", flush=True)
    return network


def random_patch(volume: Tensor) -> Tensor:
    """Cut a cube of `PATCH` voxels out of (1, 1, D, H, W), aligned with the latent's cells."""
    stride = ARCHITECTURE.stride
    starts = [stride * int(torch.randint((size - PATCH) // stride + 1, (1,))) for size in volume.shape[2:]]
    x, y, z = (slice(start, start + PATCH) for start in starts)
    return volume[:, :, x, y, z]


def learning_rate_factor(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to 1 % of the peak."""
    if step < WARM_UP_STEPS:
        return (step + 1) / WARM_UP_STEPS
    progress = (step - WARM_UP_STEPS) / max(steps - WARM_UP_STEPS, 1)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def unit_scale_factor(network: nn.Module, volumes: Tensor) -> float:
    """Reciprocal of the standard deviation of all posterior means, as latent diffusion does."""
    codec = LatentCodec(network, ARCHITECTURE, 1.0)
    latents = torch.cat([codec.encode(volume[None]) for volume in volumes])
    return float(1.0 / latents.double().std())


def _training_loss(network: nn.Module, volume: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        mean, sigma = network.encode(volume)  # type: ignore[operator]
        restored = network.decode(mean + sigma * torch.randn_like(sigma))  # type: ignore[operator]
    return autoencoder_loss(restored.float(), volume, mean.float(), sigma.float())


def main(arguments: list[str]) -> None:
    """Train, measure on held-out subjects, write weights and provenance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("neuromf/nets/weights"))
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--subjects", type=int, default=64, help="training subjects")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    volumes = demo_volumes(options.subjects + HELD_OUT)
    training, held_out = volumes[: options.subjects], volumes[options.subjects :]
    network = train(training, options.steps, options.seed)
    codec = LatentCodec(network, ARCHITECTURE, unit_scale_factor(network, training))
    save_vae(options.out / "demo_vae.safetensors", network, ARCHITECTURE, codec.scale_factor)
    quality = reconstruction_quality(codec, held_out)
    wall_seconds = time.monotonic() - started
    write_provenance(
        options.out / "demo_vae.json",
        options=vars(options),
        codec=codec,
        training=training,
        quality=quality,
        wall_seconds=wall_seconds,
    )
    print(asdict(quality))


if __name__ == "__main__":
    main(sys.argv[1:])
