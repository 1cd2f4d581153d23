"""The autoencoder: one scale factor both ways, three sources of weights, and no bad file gets through."""

import hashlib
import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from neuromf.errors import InputError
from neuromf.nets.vae import LatentCodec, load_vae
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae
from neuromf.nets.vae_checkpoint import DEMO_WEIGHTS, MAISI_ARCHITECTURE, MAISI_SCALE_FACTOR, save_vae

SMALL = VaeArchitecture(num_channels=(4, 4, 8), num_res_blocks=(1, 1, 1), norm_num_groups=2)


def network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_vae(SMALL)


@pytest.fixture(scope="module")
def small():
    """An untrained codec with scale factor 2."""
    return LatentCodec(network(), SMALL, 2.0)


@pytest.fixture(scope="module")
def volume():
    """Two volumes of which no axis equals another."""
    return torch.rand((2, 1, 8, 12, 16), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def maisi_file(tmp_path_factory):
    """A file of the layout of MAISI's autoencoder_v2.pt, with random weights."""
    path = tmp_path_factory.mktemp("maisi") / "autoencoder_v2.pt"
    state = build_vae(MAISI_ARCHITECTURE).state_dict()
    torch.save({"unet_state_dict": {name: tensor.half() for name, tensor in state.items()}, "epoch": 273}, path)
    return path


@pytest.fixture
def demo_tensors():
    """The shipped weights, to be damaged."""
    return load_file(DEMO_WEIGHTS)


def demo_header():
    length = int.from_bytes(DEMO_WEIGHTS.read_bytes()[:8], "little")
    return json.loads(DEMO_WEIGHTS.read_bytes()[8 : 8 + length])["__metadata__"]


def test_shapes_shrink_fourfold_and_come_back(small, volume):
    """Encoding divides every axis by four and gives four channels; decoding restores the shape, in float32."""
    latents = small.encode(volume)
    assert latents.shape == (2, 4, 2, 3, 4)
    assert small.decode(latents).shape == volume.shape
    assert latents.dtype == small.decode(latents).dtype == torch.float32


@pytest.mark.law("DATA-001")
def test_scale_factor_multiplies_and_divides(small, volume):
    """Latents are the posterior mean times the factor, and decoding divides by it again."""
    plain = LatentCodec(network(), SMALL, 1.0)
    assert torch.equal(small.encode(volume), 2.0 * plain.encode(volume))
    assert torch.equal(small.decode(2.0 * plain.encode(volume)), plain.decode(plain.encode(volume)))


def test_sampling_is_the_generators_alone(small, volume):
    """Posterior draws repeat with the generator's seed, differ from the mean, and leave the global state alone."""
    before = torch.get_rng_state()
    draws = [small.encode(volume, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(small.encode(volume), small.encode(volume))


def test_sampling_follows_the_posterior(small, volume):
    """Many draws have the posterior's mean and the network's sigma, scaled."""
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack([small.encode(volume[:1], generator) for _ in range(200)])
    with torch.no_grad():
        _, sigma = network().encode(volume[:1])
    assert torch.allclose(draws.std(0) / (2.0 * sigma), torch.ones_like(sigma), atol=0.15)
    assert torch.allclose(draws.mean(0), small.encode(volume[:1]), atol=6 * 2.0 * float(sigma.max()) / 20)


def test_codec_is_frozen(small, volume):
    """No parameter needs a gradient, the network is in evaluation mode, and outputs carry no graph."""
    assert not any(parameter.requires_grad for parameter in small._network.parameters())
    assert not any(module.training for module in small._network.modules())
    assert not small.decode(small.encode(volume)).requires_grad


@pytest.mark.parametrize("shape", [(1, 1, 8, 8, 9), (1, 2, 8, 8, 8), (1, 8, 8, 8), (1, 1, 0, 8, 8)])
def test_unfit_volumes_are_refused(small, shape):
    """Volumes whose axes are no multiple of four, or of other channels, are an InputError."""
    with pytest.raises(InputError, match="multiples of 4"):
        small.encode(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(1, 3, 2, 2, 2), (4, 2, 2, 2)])
def test_unfit_latents_are_refused(small, shape):
    """Latents of other channels or without a batch axis are an InputError."""
    with pytest.raises(InputError, match="cannot be decoded"):
        small.decode(torch.zeros(shape))


def test_saved_codec_comes_back(tmp_path, small, volume):
    """Weights, architecture and factor survive the file, and so does the fingerprint."""
    save_vae(tmp_path / "new" / "vae.safetensors", network(), SMALL, 2.0)
    loaded = load_vae(tmp_path / "new" / "vae.safetensors")
    assert loaded.architecture == SMALL
    assert loaded.fingerprint == small.fingerprint
    assert torch.equal(loaded.encode(volume), small.encode(volume))


def test_fingerprint_changes_with_everything(small):
    """Other weights, another factor or another architecture give another fingerprint."""
    wider = VaeArchitecture((4, 4, 8), (1, 1, 1), norm_num_groups=4)
    others = [
        LatentCodec(network(seed=1), SMALL, 2.0),
        LatentCodec(network(), SMALL, 2.5),
        LatentCodec(network(), wider, 2.0),
    ]
    assert len({small.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert LatentCodec(network(), SMALL, 2.0).fingerprint == small.fingerprint


def test_maisi_architecture_has_the_published_size():
    """MAISI's network has 130 tensors and 20,944,897 parameters."""
    with torch.device("meta"):
        tensors = build_vae(MAISI_ARCHITECTURE).state_dict().values()
    assert len(tensors) == 130
    assert sum(tensor.numel() for tensor in tensors) == 20_944_897


def test_maisi_checkpoint_is_read(maisi_file):
    """A file of MAISI's layout gives a float32 codec with MAISI's scale factor, whatever the stored precision."""
    codec = load_vae(str(maisi_file))
    assert codec.architecture == MAISI_ARCHITECTURE
    assert codec.scale_factor == MAISI_SCALE_FACTOR == 0.96240234375
    latents = codec.encode(torch.rand(1, 1, 8, 8, 8))
    assert latents.shape == (1, 4, 2, 2, 2)
    assert latents.dtype == torch.float32
    assert torch.isfinite(codec.decode(latents)).all()


def test_demo_weights_ship_with_their_provenance():
    """The shipped file is small and is the one that its provenance describes."""
    provenance = json.loads(DEMO_WEIGHTS.with_suffix(".json").read_text())
    codec = load_vae("demo")
    assert DEMO_WEIGHTS.stat().st_size <= 3 * 2**20
    assert provenance["fingerprint"] == codec.fingerprint
    assert provenance["scale_factor"] == codec.scale_factor
    assert provenance["held_out_quality"]["psnr_mean"] >= 27


def damaged(tmp_path, tensors, metadata=None) -> Path:
    path = tmp_path / "vae.safetensors"
    save_file(tensors, path, metadata=demo_header() if metadata is None else metadata)
    return path


def facts(**changes):
    return {"neuromf_vae": json.dumps(json.loads(demo_header()["neuromf_vae"]) | changes)}


LAST = "quant_conv_mu.conv.bias"


@pytest.mark.parametrize(
    ("change", "metadata", "words"),
    [
        (lambda t: t.pop(LAST), None, "1 tensors are missing, first 'quant_conv_mu.conv.bias'"),
        (lambda t: t.update(extra=torch.zeros(1)), None, "1 tensors are foreign, first 'extra'"),
        (lambda t: t.update({LAST: torch.zeros(5)}), None, r"shape \(5,\) instead of \(4,\)"),
        (lambda t: t.update({LAST: torch.full((4,), math.nan)}), None, "NaN or infinite"),
        (lambda t: None, {}, "36 tensors are foreign, .*the file holds"),
        (lambda t: None, {"neuromf_vae": "3"}, "names no architecture"),
        (lambda t: None, {"neuromf_vae": "{"}, "damaged"),
        (lambda t: None, {"neuromf_vae": "{}"}, "cannot be read"),
        (lambda t: None, facts(scale_factor=0), "scale_factor 0"),
        (lambda t: None, facts(scale_factor="nan"), "scale_factor nan"),
        (lambda t: None, facts(norm_num_groups=7), "impossible"),
        (lambda t: None, facts(num_res_blocks=[1, 1]), "impossible"),
        (lambda t: None, facts(num_channels=[16, 16, 128]), "instead of"),
        (lambda t: None, facts(num_channels=5), "cannot be read"),
    ],
)
def test_damaged_safetensors_are_refused(tmp_path, demo_tensors, change, metadata, words):
    """Missing, foreign, misshapen or non-finite tensors and a senseless header are an InputError naming the file."""
    change(demo_tensors)
    path = damaged(tmp_path, demo_tensors, metadata)
    with pytest.raises(InputError, match=words) as caught:
        load_vae(path)
    assert caught.value.file == str(path)


class Payload:
    """Something that unpickling would run."""

    def __reduce__(self):
        return (print, ("unpickled",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"unet_state_dict": Payload()}, "could run code .builtins.print"),
        ({"state_dict": {}}, "no tensors"),
        ([1, 2], "no tensors"),
        ({"unet_state_dict": {"a": 1}}, "no tensors"),
        ({"unet_state_dict": {"a": torch.zeros(1)}}, "130 tensors are missing"),
    ],
)
def test_foreign_checkpoint_is_refused_and_runs_nothing(tmp_path, capsys, content, words):
    """A torch file of another layout, or with code in it, is an InputError, and the code does not run."""
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(InputError, match=words):
        load_vae(tmp_path / "x.pt")
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.law("DATA-005")
@pytest.mark.parametrize("keep", [0, 7, 1000, 0.5])
def test_truncated_file_is_refused(tmp_path, maisi_file, keep):
    """A file cut short anywhere is an InputError, for both layouts."""
    for source in (DEMO_WEIGHTS, maisi_file):
        path = tmp_path / source.name
        size = keep if isinstance(keep, int) else int(keep * source.stat().st_size)
        with source.open("rb") as file:
            path.write_bytes(file.read(size))
        with pytest.raises(InputError) as caught:
            load_vae(path)
        assert caught.value.file == str(path)


def test_missing_file_is_refused(tmp_path):
    """A path that leads nowhere, or a misspelt name, is an InputError that offers 'demo'."""
    for name in (tmp_path / "none.pt", "dmeo", tmp_path):
        with pytest.raises(InputError, match="'demo'"):
            load_vae(name)


def test_loading_does_not_touch_the_file():
    """The shipped weights have the same bytes after loading and use."""
    before = hashlib.sha256(DEMO_WEIGHTS.read_bytes()).hexdigest()
    load_vae("demo").encode(torch.rand(1, 1, 8, 8, 8))
    assert hashlib.sha256(DEMO_WEIGHTS.read_bytes()).hexdigest() == before


@pytest.mark.law("DATA-005")
def test_a_checkpoint_whose_checksum_fails_is_refused(tmp_path, maisi_file):
    """One changed bit in a weight is noticed by the archive's own checksum, which torch does not compare."""
    content = bytearray(maisi_file.read_bytes())
    content[len(content) // 2] ^= 64
    (tmp_path / "vae.pt").write_bytes(content)
    with pytest.raises(InputError, match="checksum") as caught:
        load_vae(tmp_path / "vae.pt")
    assert caught.value.file == str(tmp_path / "vae.pt")
