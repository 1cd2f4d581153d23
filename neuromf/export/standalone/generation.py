"""Draws samples, decodes them, and writes them as NIfTI volumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from torch import Tensor, nn

ALIGNED = 2
"""NIfTI's code of coordinates of an anatomy, which no scanner has given."""
Noise = Callable[[tuple[int, ...], int, int], Tensor]
Sampler = Callable[[nn.Module, Tensor, int, float], Tensor]


def generate(
    network: nn.Module,
    decoder: nn.Module,
    *,
    noise: Noise,
    sampler: Sampler,
    latent_shape: Sequence[int],
    affine: Sequence[Sequence[float]],
    output_dir: str,
    device: torch.device | str,
    count: int,
    steps: int,
    seed: int,
    t_min: float,
) -> list[str]:
    """Write `sample-0000_T1w.nii.gz` and so on; what stands there under these names is replaced.

    Args:
        network: average velocity u(z, r, t).
        decoder: normalised latents to volumes in [0, 1].
        noise: of (shape, seed, index).
        sampler: of (network, noise, steps, t_min).
        latent_shape: (C, D, H, W).
        affine: voxel-to-millimetre map (4, 4) of the volumes.
        output_dir: folder to write into.
        device: where the network and then the autoencoder compute.
        count: number of samples.
        steps: network evaluations for each.
        seed: of the noise; sample i depends on (seed, i) alone.
        t_min: smallest time the network was trained at.

    Returns:
        The files.
    """
    shape = tuple(int(size) for size in latent_shape)
    network.to(device)
    drawn = [sampler(network, noise(shape, seed, index)[None].to(device), steps, t_min) for index in range(count)]
    network.to("cpu")  # its room is the autoencoder's now
    decoder.to(device)
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    files = [str(folder / f"sample-{index:04d}_T1w.nii.gz") for index in range(count)]
    for file, latent in zip(files, drawn, strict=True):
        _write(file, decoder(latent)[0, 0], affine)
    return files


def _write(file: str, volume: Tensor, affine: Sequence[Sequence[float]]) -> None:
    image: Any = nibabel.Nifti1Image(volume.cpu().numpy().astype(np.float32), np.array(affine))  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    image.header.set_sform(np.array(affine), code=ALIGNED)
    image.header.set_qform(np.array(affine), code=ALIGNED, strip_shears=True)
    nibabel.save(image, file)
