"""A bundle of a run whose autoencoder is a file of MAISI's layout, which lies elsewhere by now."""

import json

import pytest
import torch
from safetensors import safe_open

from neuromf.errors import InputError
from neuromf.export.export import export_run
from neuromf.nets import vae_checkpoint
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae
from tests.support.tiny_run import make_tiny_config
from tests.support.trained_run import trained_run

NARROW = VaeArchitecture(num_channels=(4, 8, 16), num_res_blocks=(2, 2, 2), norm_num_groups=4)
"""MAISI's network with the names it has and a 256th of its weights."""


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """A run of six steps, and its autoencoder in another place."""
    folder = tmp_path_factory.mktemp("maisi")
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.setattr(vae_checkpoint, "MAISI_ARCHITECTURE", NARROW)
        torch.manual_seed(1)
        torch.save({"unet_state_dict": build_vae(NARROW).state_dict()}, folder / "vae.pt")
        run = trained_run(folder, patch, make_tiny_config(f"vae.checkpoint={folder / 'vae.pt'}"))
        yield run, (folder / "vae.pt").rename(folder / "elsewhere.pt")


def test_an_autoencoder_that_moved_is_given(moved, tmp_path):
    """Its weights and its scale factor are in the bundle, as safetensors that neuromf reads too."""
    run, vae = moved
    export_run(run, to="monai-bundle", out=tmp_path / "heads", vae=vae)
    codec, kept = load_vae(vae), load_vae(tmp_path / "heads" / "models" / "autoencoder.safetensors")
    assert kept.fingerprint == codec.fingerprint
    config = json.loads((tmp_path / "heads" / "configs" / "inference.json").read_text())
    assert config["decoder"]["scale_factor"] == codec.scale_factor
    assert config["autoencoder_def"]["num_channels"] == [4, 8, 16]
    assert "keeps the licence that it\ncame with" in (tmp_path / "heads" / "LICENSE").read_text()


def test_its_place_is_told_to_nobody(moved, tmp_path):
    """The hash says which it was."""
    run, vae = moved
    export_run(run, to="safetensors", out=tmp_path / "w.safetensors")
    with safe_open(tmp_path / "w.safetensors", "pt") as file:
        told = file.metadata()
    assert str(vae.parent) not in str(told)
    assert json.loads(told["data"])["autoencoder_sha256"] == load_vae(vae).fingerprint


@pytest.mark.parametrize(
    ("given", "said"),
    [(None, r"vae\.pt: vae\.checkpoint: the run's autoencoder is not on this machine.*--vae FILE"),
     ("demo", r"another autoencoder than the run's")],
    ids=["nowhere", "another"],
)  # fmt: skip
def test_a_missing_or_another_autoencoder_is_refused(moved, tmp_path, given, said):
    """And nothing is written."""
    vae = vae_checkpoint.DEMO_WEIGHTS if given else None
    with pytest.raises(InputError, match=said):
        export_run(moved[0], to="monai-bundle", out=tmp_path / "heads", vae=vae)
    assert not list(tmp_path.iterdir())
