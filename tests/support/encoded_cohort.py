"""A cohort that processes encode, in the cache that each one's environment names.

The autoencoder is small and untrained, its weights the same in each process; what it encodes is noted before and after.
"""

from __future__ import annotations

from pathlib import Path

import torch

from neuromf.data import cache
from neuromf.data.cohort import select_scans
from neuromf.data.preprocess import Preprocessing
from neuromf.data.store_settings import StoreSettings
from neuromf.nets.vae import LatentCodec
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae

SETTINGS = Preprocessing(spacing_mm=8.0, shape=(24, 24, 24), intensity_percentiles=(0.0, 99.5))
ALLOWED = 0.01


def small_codec() -> LatentCodec:
    """Of the architecture's least widths."""
    architecture = VaeArchitecture(num_channels=(8, 8, 8), num_res_blocks=(1, 1, 1), norm_num_groups=4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LatentCodec(build_vae(architecture), architecture, scale_factor=1.25)


def encode(root: Path, *, workers: int = 0, share: float = ALLOWED) -> Path:
    """The store of a folder, in the cache that the environment names."""
    selection = select_scans(root)
    settings = StoreSettings(
        SETTINGS, small_codec(), (0.8, 0.1, 0.1), 0, max_quarantined=share, workers=workers
    )  # fmt: skip
    return cache.scan_latents(selection.scans, settings, selection=selection).path


def encoded_here(cache_folder: Path) -> list[str]:
    """Hashes of the scans that went through an autoencoder and were placed, one for each time."""
    logs = cache_folder.glob("scans/*/log/*.csv")
    return [line.split(",")[0] for log in logs for line in log.read_text(encoding="utf-8").splitlines()]
