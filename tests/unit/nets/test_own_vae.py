"""An autoencoder that the user's own code builds."""

import pytest
import torch
from safetensors.torch import save_file

from neuromf.config import load_config
from neuromf.config.own_code import Options
from neuromf.errors import InputError
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_source import VaeSource, vae_source
from tests.support.own_package.vaes import build

VAES = "tests.support.own_package.vaes"


def source_of(name, checkpoint="factory", **changed):
    """An autoencoder of six channels and stride 8."""
    return VaeSource(checkpoint, f"{VAES}:{name}", **{"latent_channels": 6, "stride": 8, **changed})


@pytest.mark.parametrize("name", ["build", "posterior"])
def test_an_own_autoencoder_encodes_and_decodes(name):
    """With its own channels and stride, of one tensor or of mean and standard deviation."""
    codec = load_vae(source_of(name))
    latents = codec.encode(torch.rand(2, 1, 16, 24, 32))
    assert latents.shape == (2, 6, 2, 3, 4)
    assert codec.decode(latents).shape == (2, 1, 16, 24, 32)
    assert not codec.scale_known
    drawn = codec.encode(torch.zeros(1, 1, 8, 8, 8), torch.Generator().manual_seed(0))
    assert torch.equal(drawn, codec.encode(torch.zeros(1, 1, 8, 8, 8))) == (name == "build")


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        ("build", {"latent_channels": 5}, r"encodes \(1, 1, 32, 32, 32\) as \(1, 6, 4, 4, 4\), not \(1, 5, 4, 4, 4\)"),
        ("build", {"stride": 4}, "set vae.latent_channels and vae.stride"),
        pytest.param("drawn", {}, "encodes a scan otherwise the second time", marks=pytest.mark.law("DATA-007")),
        ("smaller", {}, r"decodes \(1, 6, 4, 4, 4\) as \(1, 1, 32, 32, 31\)"),
        ("failing", {}, "decode raises ValueError: no decoder yet"),
        ("one_way", {}, "which is no autoencoder"),
        ("nothing", {}, "has no callable nothing"),
        ("build", {"options": Options(width=3)}, "unexpected keyword argument 'width'"),
    ],
)
def test_an_autoencoder_that_is_none_is_told(name, changed, words):
    """Before a scan is encoded, with the key."""
    with pytest.raises(InputError, match=words) as caught:
        load_vae(source_of(name, **changed))
    assert caught.value.key == "vae.factory"


def test_weights_are_read_from_their_file(tmp_path):
    """As safetensors or from torch.save behind a prefix; tensors that are not there are told by name."""
    network = build()
    with torch.no_grad():
        network.down.weight.fill_(0.25)
    save_file(network.state_dict(), tmp_path / "own.safetensors")
    torch.save({"state_dict": {f"model.{k}": v for k, v in network.state_dict().items()}}, tmp_path / "own.pt")
    codecs = [load_vae(source_of("build", str(tmp_path / file))) for file in ("own.safetensors", "own.pt")]
    assert codecs[0].fingerprint == codecs[1].fingerprint != load_vae(source_of("build")).fingerprint
    save_file({"down.weight": network.down.weight.data}, tmp_path / "part.safetensors")
    with pytest.raises(InputError, match=r"down\.bias is not there"):
        load_vae(source_of("build", str(tmp_path / "part.safetensors")))
    with pytest.raises(InputError, match="there is no such autoencoder file"):
        load_vae(source_of("build", str(tmp_path / "none.pt")))


@pytest.mark.law("DATA-005")
def test_weights_whose_checksum_fails_are_refused(tmp_path):
    """One changed bit is noticed by the archive's own checksum, as it is in a file of our own autoencoder."""
    network = build()
    torch.save(network.state_dict(), tmp_path / "own.pt")
    content = bytearray((tmp_path / "own.pt").read_bytes())
    content[content.index(network.down.weight.detach().numpy().tobytes()[:16])] ^= 64
    (tmp_path / "own.pt").write_bytes(content)
    with pytest.raises(InputError, match="checksum") as caught:
        load_vae(source_of("build", str(tmp_path / "own.pt")))
    assert caught.value.file == str(tmp_path / "own.pt")


@pytest.mark.law("DATA-007")
def test_options_and_code_are_part_of_the_fingerprint():
    """Equal weights under other settings, or other code, are another autoencoder."""
    asked = source_of("build", options=Options(channels=6)), source_of("build")
    prints = [load_vae(source).fingerprint for source in asked]
    assert prints[0] != prints[1]
    assert load_vae(asked[1]).architecture.code


def test_a_configuration_says_which_latents_it_expects():
    """A file of other channels or stride is refused with what would fit."""
    config = load_config("smoke", ["vae.latent_channels=8"])
    with pytest.raises(InputError, match="makes 4 channels at stride 4, not 8 at 4") as caught:
        load_vae(vae_source(config.vae))
    assert "vae.latent_channels=4" in caught.value.remedy
