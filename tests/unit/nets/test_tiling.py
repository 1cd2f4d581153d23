"""Scans in parts: splits of convolutions change nothing but rounding, tiles are as small as was asked for."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from neuromf.config import load_config
from neuromf.errors import InputError
from neuromf.nets import tiling
from neuromf.nets.tiling import WHOLE, OutOfMemoryError, Tiling, in_memory
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_architecture import build_vae
from neuromf.nets.vae_checkpoint import MAISI_ARCHITECTURE
from neuromf.plan.live_bytes import LiveBytes

FLOAT16 = 0.03
"""Of latents up to 6 and voxels up to 1, through some ten norms; 0.005 measured."""
OWN = ("vae.factory=my_package.vae:build", "vae.checkpoint=factory")
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


def test_norms_in_float16_round_latents_and_voxels_and_nothing_else(codec, scan):
    """They are changed by float16's rounding, stay float32, and are exact again for who wants them exact."""
    exact = codec.encode(scan)
    half = codec.tiled(Tiling(norm_float16=True))
    rounded, voxels = half.encode(scan), half.decode(exact)
    assert rounded.dtype == voxels.dtype == torch.float32
    assert 0 < float((rounded - exact).abs().max()) <= FLOAT16
    assert 0 < float((voxels - codec.decode(exact)).abs().max()) <= FLOAT16
    assert codec.encode(scan).equal(exact)


def test_a_device_fit_for_float16_takes_it_between_the_norms_too(codec, monkeypatch):
    """Convolutions get and give float16 there, as under the autocast of MAISI's scripts; latents are float32 again."""
    monkeypatch.setattr(tiling, "FLOAT16_DEVICES", ("cpu",))
    cube, seen = torch.rand(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(2)), set()
    exact = codec.encode(cube)
    convolutions = [module for module in codec._network.modules() if isinstance(module, torch.nn.Conv3d)]
    hooks = [module.register_forward_hook(lambda *given: seen.add(given[2].dtype)) for module in convolutions]
    half = codec.tiled(Tiling(norm_float16=True)).encode(cube)
    for hook in hooks:
        hook.remove()
    assert seen == {torch.float16}
    assert half.dtype == torch.float32
    assert 0 < float((half - exact).abs().max()) <= FLOAT16


@pytest.mark.parametrize(("action", "shape"), [("encode", (1, 1, 160, 192, 160)), ("decode", (1, 4, 40, 48, 40))])
def test_float16_takes_half_of_the_memory(monkeypatch, action, shape):
    """Of MAISI's network at the size of a real scan, counted on tensors without numbers; 0.51 measured."""
    monkeypatch.setattr(tiling, "FLOAT16_DEVICES", ("cpu",))
    peaks = []
    for parts in (WHOLE, Tiling(norm_float16=True)):
        with FakeTensorMode(), torch.no_grad():
            network, values = build_vae(MAISI_ARCHITECTURE).requires_grad_(False), torch.empty(shape)
            with LiveBytes(network.parameters()) as live, in_memory(network, parts):
                parts.apply(getattr(network, action), values, 1)
        peaks.append(live.peak)
    assert peaks[1] <= 0.52 * peaks[0]


def test_an_own_autoencoder_is_told_what_helps_it():
    """It has neither splits nor norms that take float16."""
    with pytest.raises(OutOfMemoryError) as raised, in_memory(torch.nn.Linear(1, 1), WHOLE):
        raise torch.OutOfMemoryError("CUDA out of memory")
    assert "vae.tile_voxels=96" in raised.value.remedy
    assert "num_splits" not in f"{raised.value.remedy} {raised.value.key}"


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
        ([*OWN, "vae.num_splits=2"], "num_splits has no effect with factory"),
        ([*OWN, "vae.norm_float16=true"], "norm_float16 has no effect with factory"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, words):
    """MONAI would cut the latent short in silence, or fail in the middle of a cohort."""
    with pytest.raises(InputError, match=words):
        load_config(["recommended"], changes)
