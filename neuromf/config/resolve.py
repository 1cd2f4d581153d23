"""The resolved configuration as canonical text, and its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from neuromf.config.scalars import scalar_text
from neuromf.config.schema import Config


def flatten(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted path, value) of every leaf of nested mappings."""
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from flatten(value, f"{path}.")
        else:
            yield path, value


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings from dotted paths."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *sections, key = path.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    return tree


def flat_config(config: Config) -> dict[str, Any]:
    """Every key of `config` by dotted path, sorted."""
    return dict(sorted(flatten(config.model_dump(mode="json"))))


def resolved_text(config: Config) -> str:
    """One `path: value` line a key, sorted by path: text that `load_config` reads back to the same configuration."""
    return _lines(flat_config(config))


ADDED: Mapping[str, Any] = {
    "data.max_quarantined": 0.01,
    "unet.factory": None,
    "vae.factory": None,
    "vae.latent_channels": 4,
    "vae.stride": 4,
    "training.init_from": None,
    "training.init_weights": "average",
    "vae.norm_float16": False,
    "vae.num_splits": 1,
    "vae.tile_voxels": None,
    "vae.tile_overlap": 0.25,
    "augmentation.flip_probability": 0.0,
    "augmentation.noise_std": 0.0,
    "augmentation.channel_scale": 0.0,
    "data.clip_above": True,
    "meanflow.fd_scheme": "forward",
    "meanflow.derivative_precision": None,
    "unet.conditioning": "t_and_gap",
    "unet.embedding_precision": None,
    "time_sampling.r_mu": None,
    "time_sampling.r_sigma": None,
    "training.validate_every_epochs": 0,
    "training.validation_scans": 32,
    "training.validation_metric": "val_total",
    "training.early_stop_patience": None,
    "training.early_stop_min_improvement": 0.0,
    "meanflow.loss_power": 2.0,
    "training.measure_weights_every_steps": 1,
    "covariates.columns": [],
    "covariates.dropout": 0.1,
    "meanflow.guidance_scale": 1.0,
    "meanflow.guidance_mixing": 0.0,
    "meanflow.guidance_interval": [0.0, 1.0],
    "meanflow.mask_share": 0.0,
    "meanflow.mask_block": 4,
}
"""Keys that came after runs had been recorded, each with the value that means what every run before did. At this value
a key is no part of the hash, so that runs, checkpoints and tickets from before it stay valid."""

CAME_WITH_THE_LAST = "data.max_quarantined"
"""A key that came with those of `ADDED` that stand at the very end of the text: where it is, they must be too."""


def config_hash(config: Config) -> str:
    """SHA-256 of the resolved text, without the keys of `ADDED` that change nothing."""
    kept = {path: value for path, value in flat_config(config).items() if path not in ADDED or value != ADDED[path]}
    return hashlib.sha256(_lines(kept).encode()).hexdigest()


def _lines(flat: Mapping[str, Any]) -> str:
    return "".join(f"{path}: {scalar_text(value)}\n" for path, value in flat.items())
