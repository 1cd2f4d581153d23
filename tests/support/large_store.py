"""A latent store of very many subjects, generated where a training will look for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from neuromf.config import Config, load_config
from neuromf.data import cache
from neuromf.data.latents import centred_affine
from neuromf.data.manifest import moment_cells, write_manifest
from neuromf.data.preprocess import Preprocessing
from neuromf.data.splits import split_subjects
from neuromf.data.statistics import ChannelMoments, pool_moments
from neuromf.data.store_description import SCHEMA_VERSION, StoreDescription, content_hash, write_description
from neuromf.training.latents.store import training_store

SETTINGS = (
    "data.shape=[16,16,16]", "unet.channels=[8,16]", "unet.attention_levels=[false,false]", "unet.head_channels=8",
    "training.batch_size_per_gpu=4", "training.gradient_accumulation_steps=2",
)  # fmt: skip
"""Latents of 4 x 4^3, 1 KiB each, and a net that trains on them at once."""


def large_overrides(subjects: int) -> tuple[str, ...]:
    """The settings of a training on so many subjects."""
    return (*SETTINGS, f"data.demo_subjects={subjects}")


class _FoundError(Exception):
    """Carries the name under which the cache looks for a store."""


def entry_name(config: Config) -> str:
    """Name of the cache's entry for a configuration, as the cache itself gives it."""

    def stop(name: str, build: object) -> Path:
        raise _FoundError(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "cached_store", stop)
        with pytest.raises(_FoundError) as found:
            training_store(config)
    return str(found.value)


def write_large_store(folder: Path, subjects: int) -> Config:
    """Generate the store into the cache at `folder`; return the configuration that trains on it."""
    config = load_config(["smoke"], large_overrides(subjects))
    store = folder / entry_name(config) / "latents"
    (store / "scans").mkdir(parents=True)
    draw = np.random.default_rng(0)
    names = [f"sub-{number:06d}" for number in range(subjects)]
    splits = split_subjects(names, config.data.split_ratios, config.data.split_seed)
    rows, training = [], []
    for name in names:
        row, moments = _write_scan(store, name, draw.standard_normal(config.latent_shape, dtype=np.float32))
        rows.append(row | {"subject": name, "split": splits[name]})
        training += [moments] if splits[name] == "train" else []
    write_manifest(store / "manifest.csv", rows)
    description = _description(config, training)
    digest = content_hash(description, store / "manifest.csv")
    write_description(store / "store.json", replace(description, content_hash=digest))
    return config


def _write_scan(store: Path, name: str, latent: np.ndarray) -> tuple[dict[str, object], ChannelMoments]:
    file = f"scans/{name}.safetensors"
    content = save({"latent": latent}, metadata={"affine": json.dumps(np.eye(4).tolist())})
    (store / file).write_bytes(content)
    flat = latent.astype(np.float64).reshape(len(latent), -1)
    moments = ChannelMoments(tuple(flat.mean(1).tolist()), tuple(flat.std(1).tolist()), flat.shape[1])
    row: dict[str, object] = {
        "scan_id": name, "file": file, "sha256": hashlib.sha256(content).hexdigest(),
        "shape": "x".join(map(str, latent.shape)),
    }  # fmt: skip
    row |= moment_cells(moments)
    return row, moments


def _description(config: Config, training: list[ChannelMoments]) -> StoreDescription:
    data = config.data
    preprocessing = Preprocessing(data.spacing_mm, data.shape, data.intensity_percentiles)
    return StoreDescription(
        schema_version=SCHEMA_VERSION, preprocessing=preprocessing, codec_fingerprint="generated", scale_factor=1.0,
        encoding="posterior_mean", split_ratios=data.split_ratios, split_seed=data.split_seed,
        statistics=pool_moments(training), affine=centred_affine(preprocessing), content_hash="",
    )  # fmt: skip
