"""Samples of a run, decoded to volumes and drawn as a montage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from neuromf.config.schema import Config
from neuromf.data.covariates import given_covariates
from neuromf.data.nifti import write_volume
from neuromf.data.staging import refuse_occupied, staged_directory
from neuromf.data.statistics import ChannelStatistics
from neuromf.data.store import LatentStore
from neuromf.nets.vae import LatentCodec, load_vae
from neuromf.nets.vae_source import vae_source
from neuromf.output import writing
from neuromf.sampling.montage import draw_montage
from neuromf.training.checkpoints.named import named_checkpoint, won_by
from neuromf.training.checkpoints.sampling_net import is_averaged, refuse_other_configuration, sampling_net
from neuromf.training.latents.frozen import run_latents
from neuromf.training.latents.store import tiling_of
from neuromf.training.records.previews import draw_latents
from neuromf.training.records.run_folder import open_run


@dataclass(frozen=True)
class SampleFiles:
    """What was written, the optimiser step the weights are from, and which weights they are, in a few words."""

    volumes: list[Path]
    montage: Path
    step: int
    weights: str


def sample_run(
    run_path: Path,
    *,
    steps: int,
    count: int,
    seed: int,
    out: Path,
    device: torch.device,
    vae: Path | None = None,
    checkpoint: str | None = None,
    given: Mapping[str, str] | None = None,
) -> SampleFiles:
    """Draw `count` samples in `steps` evaluations with the averaged weights of a checkpoint.

    Where the run keeps no average, with the weights themselves. Only the run's folder and its autoencoder are needed.
    Real latents that the run kept are drawn next to the samples.

    Args:
        run_path: the run's folder.
        steps: network evaluations a sample.
        count: number of samples.
        seed: of their noise.
        out: folder to create.
        device: where the network and then the autoencoder compute.
        vae: the run's autoencoder, where its file is not where it was.
        checkpoint: `best`, `latest` or an optimiser step; the newest when None.
        given: covariates of all samples by name, for a run whose network is told of some; others are not known.

    Raises:
        InputError: no such covariate or value, no run, no checkpoint of its configuration, no autoencoder, or `out` is
            in the way.
    """
    refuse_occupied(out)  # before minutes of work
    run, config = open_run(run_path)
    found = named_checkpoint(run.root, checkpoint)
    refuse_other_configuration(found, run, config)
    told = given_covariates(config.covariates, given or {}, count)
    known = run_latents(run, config)
    codec, store = known.codec(vae).tiled(tiling_of(config)), known.store
    net = sampling_net(found, config)
    weights = f"optimiser step {found.step}" + ("" if is_averaged(config) else " (weights themselves, no average)")
    weights += won_by(found)
    latents = draw_latents(
        net.to(device), config, store.latent_shape, steps=steps, count=count, seed=seed, device=device,
        covariates_NK=told,
    )  # fmt: skip
    del net  # its room is the autoencoder's now
    codec.to(device)
    volumes = decode_with(codec, store.statistics, latents.cpu())
    real = decode_with(codec, store.statistics, known.real(count))
    rows = {"real, decoded": real, "generated": volumes} if real else {"generated": volumes}
    title = f"{weights}, {steps} network evaluation{'s' if steps > 1 else ''} a sample"
    names = [f"sample-{index:04d}_T1w.nii.gz" for index in range(count)]
    with writing(out), staged_directory(out) as folder:
        for name, volume in zip(names, volumes, strict=True):
            write_volume(folder / name, volume, np.array(store.description.affine))
        draw_montage(folder / "montage.png", rows, title)
    return SampleFiles([out / name for name in names], out / "montage.png", found.step, weights)


def decode(latents: Tensor, config: Config, store: LatentStore) -> list[np.ndarray]:
    """Volumes in [0, 1] of normalised latents (N, C, D, H, W), by the configuration's autoencoder."""
    return decode_with(load_vae(vae_source(config.vae)).tiled(tiling_of(config)), store.statistics, latents)


def decode_with(codec: LatentCodec, statistics: ChannelStatistics, latents: Tensor) -> list[np.ndarray]:
    """Volumes in [0, 1] of normalised latents (N, C, D, H, W); none of none."""
    raw = statistics.denormalise(latents)
    return [codec.decode(latent[None])[0, 0].clamp(0, 1).cpu().numpy() for latent in raw]
