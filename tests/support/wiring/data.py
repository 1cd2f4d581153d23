"""Scenarios of the data: a scan as the autoencoder sees it, and the latents of each source."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from unittest import mock

import numpy as np
import torch

from neuromf.config import Config
from neuromf.data import cache
from neuromf.data.nifti import Volume
from neuromf.data.preprocess import preprocess
from neuromf.gate.inputs import _autoencoder
from neuromf.nets.vae import load_vae
from neuromf.training.latents import store as latents_store
from neuromf.training.latents.autoencoder_check import check_autoencoder
from neuromf.training.latents.frozen import begin
from neuromf.training.latents.store import (
    encoded_store,
    preprocessing_of,
    scans_source,
    selected_scans,
    training_store,
)
from tests.support.wiring.parts import CPU, box, digest, small_cohort
from tests.support.wiring.reads import Observed

LOADED = functools.cache(load_vae)


def preprocessed(config: Config) -> Observed:
    """A scan as the autoencoder sees it."""
    made = preprocess(Volume(box(0), np.diag([2.0, 2.0, 2.0, 1.0])), preprocessing_of(config))
    return {"voxels": digest(torch.from_numpy(made.data)), "affine": made.affine.tolist(), "shape": made.data.shape}


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """The built-in cohort as scans of noise, and autoencoders that are loaded once."""
    with (
        mock.patch.object(cache, "build_demo_cohort", small_cohort),
        mock.patch.object(latents_store, "load_vae", LOADED),
    ):
        yield


def stored(config: Config) -> Observed:
    """The latents that a run trains on, made or from the cache, which is common to all that are asked for."""
    with quick():
        store = training_store(config)
    facts = store.description
    return {
        "splits": store.manifest[["subject", "split"]].to_numpy().tolist(),
        "latents": [digest(store.raw(scan)) for scan in store.manifest["scan_id"]],
        "statistics": facts.statistics,
        "grid": (store.latent_shape, facts.affine, facts.preprocessing),
        "autoencoder": (facts.codec_fingerprint, facts.scale_factor),
        "split by": (facts.split_ratios, facts.split_seed),
    }


def kept(config: Config) -> Observed:
    """Whether a folder's latents are found without encoding, and what is known of the folder and the autoencoder."""
    with quick(), mock.patch("neuromf.nets.vae.load_vae", LOADED):
        problem, _ = _autoencoder(config)
        store, selection = encoded_store(config), selected_scans(config)
    return {
        "found": None if store is None else store.description.content_hash,
        "selected": None if selection is None else [str(scan.path) for scan in selection.scans],
        "autoencoder": problem,
    }


def begun(config: Config) -> Observed:
    """What a new run notes of where its latents are from."""
    with quick():
        origin = begin(config).origin
    return {"source": origin.source, "autoencoder": origin.autoencoder}


def tried(config: Config) -> Observed:
    """What is measured of an autoencoder, and under which name."""
    module = "neuromf.training.latents.autoencoder_check"
    with mock.patch(f"{module}.build_demo_cohort", small_cohort), mock.patch(f"{module}.load_vae", LOADED):
        made = check_autoencoder(config, 6, CPU, lambda *_: None)
    return {
        "scans": [digest(torch.from_numpy(one.volume)) for one in made],
        "quality": [{name: part.psnr for name, part in one.parts.items()} for one in made],
        "source": scans_source(config),
    }
