"""The autoencoder of a configuration, tried on some of its scans."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from neuromf.config.schema import Config
from neuromf.data.autoencoder_record import KeptQuality, keep
from neuromf.data.cohort import Scan, discover_scans
from neuromf.data.demo import build_demo_cohort
from neuromf.data.reconstruction import Reconstruction, reconstruct
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_source import vae_source
from neuromf.training.latents.store import chosen_scans, preprocessing_of, scans_source


def check_autoencoder(
    config: Config, count: int, device: torch.device, on_progress: Callable[[int, int], None]
) -> list[Reconstruction]:
    """Encode, decode and compare scans that are spread evenly over the cohort, and keep the outcome for the gate.

    Args:
        config: whose scans, preprocessing and autoencoder.
        count: scans; all where there are fewer.
        device: where the autoencoder computes.
        on_progress: called with (done, scans) after each scan.

    Raises:
        InputError: the folder, the autoencoder or a scan cannot be used, or the cache cannot be written.
    """
    codec, preprocessing = load_vae(vae_source(config.vae)), preprocessing_of(config)
    made: list[Reconstruction] = []
    with tempfile.TemporaryDirectory() as folder:
        scans = _some(config, count, Path(folder) / "cohort")
        for one in reconstruct(scans, preprocessing, codec, device):
            made.append(one)
            on_progress(len(made), len(scans))
    keep(KeptQuality.of(made), scans_source(config), preprocessing, codec.fingerprint)
    return made


def _some(config: Config, count: int, folder: Path) -> list[Scan]:
    if config.data.root is None:  # the first heads of the built-in cohort are the same in one of any size
        number = min(count, config.data.demo_subjects)
        return discover_scans(build_demo_cohort(folder, number, config.data.demo_seed))
    scans = chosen_scans(config)
    number = min(count, len(scans))
    return [scans[index * len(scans) // number] for index in range(number)]
