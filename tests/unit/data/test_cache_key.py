"""What decides a latent decides the cache entry's name."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from neuromf.data import cache
from neuromf.nets.vae import LatentCodec
from neuromf.nets.vae_architecture import build_vae

ARGUMENTS = {"split_ratios": (1.0, 0.0, 0.0), "split_seed": 0}


@pytest.fixture
def name_of(monkeypatch, cohort):
    """A function that gives the name of the entry that a request would use."""
    names = []
    monkeypatch.setattr(cache, "cached_store", lambda name, build: names.append(name))

    def ask(source, codec, preprocessing):
        monkeypatch.setattr(cache, "load_vae", lambda _: codec)
        if source == "demo":
            cache.demo_latents(2, 0, preprocessing, "any", **ARGUMENTS)
        else:
            cache.folder_latents(cohort, preprocessing, "any", **ARGUMENTS)
        return names[-1]

    return ask


def retrained(codec):
    """The same architecture and scale factor with other weights."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return LatentCodec(build_vae(codec.architecture), codec.architecture, codec.scale_factor)


@pytest.mark.parametrize("source", ["demo", "folder"])
def test_another_autoencoder_has_an_entry_of_its_own(name_of, codec, preprocessing, source):
    """Other weights, and the same weights with another scale factor, are other latents."""
    rescaled = LatentCodec(codec._network, codec.architecture, 2 * codec.scale_factor)
    names = [name_of(source, one, preprocessing) for one in (codec, codec, retrained(codec), rescaled)]
    assert names[0] == names[1]
    assert len(set(names)) == 3


@pytest.mark.parametrize("source", ["demo", "folder"])
@pytest.mark.parametrize(
    "change", [{"spacing_mm": 7.0}, {"shape": (32, 32, 32)}, {"intensity_percentiles": (1.0, 99.0)}]
)
def test_another_preprocessing_has_an_entry_of_its_own(name_of, codec, preprocessing, source, change):
    """Each setting of the preprocessing is part of the name."""
    assert name_of(source, codec, preprocessing) != name_of(source, codec, replace(preprocessing, **change))
