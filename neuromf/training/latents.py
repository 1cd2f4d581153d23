"""The latents a configuration trains on, encoded once and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neuromf.config.schema import Config
from neuromf.data.cache import demo_latents, folder_latents
from neuromf.data.preprocess import Preprocessing
from neuromf.data.store import LatentStore, open_latents


def training_store(config: Config, on_progress: Callable[[int, int], None] | None = None) -> LatentStore:
    """Open the latent store of `config`, encoding its scans first when the cache does not hold them.

    Raises:
        InputError: a scan, the autoencoder's weights or the cache cannot be read.
    """
    data = config.data
    preprocessing = Preprocessing(data.spacing_mm, data.shape, data.intensity_percentiles)
    if data.source == "demo":
        path = demo_latents(
            data.demo_subjects,
            data.demo_seed,
            preprocessing,
            config.vae.checkpoint,
            split_ratios=data.split_ratios,
            split_seed=data.split_seed,
            on_progress=on_progress,
        )
    else:
        assert data.root is not None  # the schema couples source and root
        path = folder_latents(
            Path(data.root),
            preprocessing,
            config.vae.checkpoint,
            split_ratios=data.split_ratios,
            split_seed=data.split_seed,
            on_progress=on_progress,
        )
    return open_latents(path, verify=False)  # both functions have just verified it
