"""Scans in parts: splits of convolutions change nothing but rounding, tiles are as small as was asked for."""

from __future__ import annotations

import pytest
import torch

from neuromf.config import load_config
from neuromf.errors import InputError
from neuromf.nets.tiling import OutOfMemoryError, Tiling, in_memory
from neuromf.nets.vae import load_vae

ROUNDING = 2e-5
"""Of values up to 4, through some twenty float32 convolutions; 3e-6 measured."""


@pytest.fixture(scope="module")
def codec():
    """The shipped autoencoder."""
    return load_vae("demo")


@pytest.fixture(scope="module")
def scan():
    """Noise, of another size along each axis."""
    return torch.rand(1, 1, 32, 48, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("splits", [2, 4])
def test_split_convolutions_give_the_same_latents_and_voxels(codec, scan, splits):
    """Up to rounding; and the autoencoder is whole again afterwards for who wants it whole."""
    whole, split = codec.encode(scan), codec.tiled(Tiling(splits)).encode(scan)
    assert float((whole - split).abs().max()) <= ROUNDING
    decoded = codec.tiled(Tiling(splits)).decode(whole)
    assert codec.encode(scan).equal(whole)
    assert float((codec.decode(whole) - decoded).abs().max()) <= ROUNDING


def test_tiles_go_through_the_network_one_at_a_time(codec, scan, monkeypatch):
    """None is larger than was asked for; the middle of a tile is what the whole gives, as far as its norms are."""
    tiled, seen = codec.tiled(Tiling(1, 32, 0.25)), []
    plain = codec._network.encode
    monkeypatch.setattr(codec._network, "encode", lambda x: seen.append(tuple(x.shape)) or plain(x))
    latent = tiled.encode(scan)
    assert latent.shape == (1, 4, 8, 12, 16)
    assert set(seen) == {(1, 1, 32, 32, 32)}
    assert len(seen) == 1 * 2 * 3
    assert tiled.decode(latent).shape == scan.shape


def test_one_tile_of_a_scan_s_own_size_is_the_scan(codec):
    """Then nothing is blended."""
    scan = torch.rand(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(1))
    assert float((codec.tiled(Tiling(1, 32)).encode(scan) - codec.encode(scan)).abs().max()) <= ROUNDING


def test_a_gpu_whose_memory_runs_out_is_told_with_a_remedy(codec):
    """The sentence names the key, and no scan is blamed."""
    with pytest.raises(OutOfMemoryError, match=r"vae\.num_splits=4"), in_memory(codec._network, Tiling(2)):
        raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["vae.num_splits=5"], "must be a multiple of 20"),
        (["vae.num_splits=24"], "must be a multiple of 96, at least 288"),
        (["vae.tile_voxels=40"], "must be a multiple of 16"),
        (["vae.tile_overlap=0.5"], "no effect without tile_voxels"),
        (["vae.tile_voxels=64", "vae.tile_overlap=0.3"], "multiple of 4 voxels"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, words):
    """MONAI would cut the latent short in silence, or fail in the middle of a cohort."""
    with pytest.raises(InputError, match=words):
        load_config(["recommended"], changes)
