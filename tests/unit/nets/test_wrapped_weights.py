"""Weights of MAISI's autoencoder that a training saved: found in the usual wrappings, else told what is there."""

import shlex
import subprocess
import sys
from argparse import Namespace
from collections import OrderedDict

import numpy as np
import pytest
import torch
from monai.data.meta_tensor import MetaTensor
from safetensors.torch import save_file
from torch import nn

from neuromf.errors import InputError
from neuromf.nets import vae_checkpoint
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae
from neuromf.nets.vae_checkpoint import MAISI_SCALE_FACTOR
from neuromf.nets.wrapped_weights import DEEPEST, find_weights

NARROW = VaeArchitecture(num_channels=(4, 8, 16), num_res_blocks=(2, 2, 2), norm_num_groups=4)
"""MAISI's network with the names it has and a 256th of its weights."""


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    monkeypatch.setattr(vae_checkpoint, "MAISI_ARCHITECTURE", NARROW)


@pytest.fixture(scope="module")
def weights():
    """Random weights in half precision."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return {name: tensor.half() for name, tensor in build_vae(NARROW).state_dict().items()}


@pytest.fixture
def fingerprint(weights, tmp_path):
    """Of MAISI's own layout."""
    path = tmp_path / "autoencoder_v2.pt"
    torch.save({"unet_state_dict": weights, "epoch": 273}, path)
    return load_vae(path).fingerprint


def prefixed(prefix, weights):
    return {f"{prefix}{name}": tensor for name, tensor in weights.items()}


OPTIMISER = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4}]}
WRAPPINGS = {
    "flat": lambda w: w,
    "ordered": OrderedDict,
    "state_dict": lambda w: {"state_dict": w, "optimizer": OPTIMISER, "epoch": 3},
    "model": lambda w: {"model": w},
    "autoencoder": lambda w: {"autoencoder": w, "discriminator": {"conv.weight": torch.zeros(3)}},
    "autoencoder_state_dict": lambda w: {"autoencoder_state_dict": w, "scaler": {}},
    "ddp": lambda w: prefixed("module.", w),
    "compiled": lambda w: {"model": prefixed("_orig_mod.", w)},
    "lightning": lambda w: {
        "state_dict": {**prefixed("autoencoder.", w), "discriminator.conv.weight": torch.zeros(3)},
        "optimizer_states": [OPTIMISER],
        "pytorch-lightning_version": "2.5.0",
    },
    "lightning of ddp": lambda w: {"state_dict": prefixed("model.module.", w)},
    "beside others": lambda w: {**w, "discriminator.conv.weight": torch.zeros(3)},
    "deep": lambda w: {"checkpoint": {"nets": {"vae": w}}},
    "twice the same": lambda w: {"state_dict": w, "best": dict(w)},
    "numpy numbers": lambda w: {"model": w, "loss": np.float32(0.5), "step": np.int64(3), "best": np.float64(1.0)},
    "numpy array": lambda w: {"model": w, "losses": np.arange(3.0), "seen": np.array([True])},
    "numpy text and date": lambda w: {"model": w, "name": np.str_("a"), "when": np.datetime64("2026-01-01")},
    "a scan beside": lambda w: {"model": w, "seen": MetaTensor(torch.zeros(1, 2, 2, 2), affine=torch.eye(4))},
    "weights as MONAI's tensors": lambda w: {name: MetaTensor(tensor) for name, tensor in w.items()},
    "parameters": lambda w: {name: nn.Parameter(tensor) for name, tensor in w.items()},
}


@pytest.mark.parametrize("name", WRAPPINGS)
def test_usual_wrappings_are_read(name, weights, fingerprint, tmp_path):
    """The codec is that of MAISI's own layout, whatever the weights are wrapped in and whatever lies beside."""
    torch.save(WRAPPINGS[name](weights), tmp_path / "x.pt")
    codec = load_vae(tmp_path / "x.pt")
    assert codec.fingerprint == fingerprint
    assert codec.scale_factor == MAISI_SCALE_FACTOR
    assert not codec.scale_known
    assert all(type(tensor) is torch.Tensor for tensor in codec._network.state_dict().values())


@pytest.mark.law("DATA-005")
def test_the_scale_factor_of_maisis_own_layout_is_known(weights, tmp_path):
    """The released v2 stands under its key; v1 is flat, with the same names and a factor that no file says."""
    torch.save({"unet_state_dict": weights}, tmp_path / "autoencoder_v2.pt")
    torch.save(weights, tmp_path / "autoencoder_v1.pt")
    assert [load_vae(tmp_path / f"autoencoder_v{version}.pt").scale_known for version in (2, 1)] == [True, False]
    assert load_vae("demo").scale_known


@pytest.mark.parametrize("prefix", ["", "module.", "model.autoencoder."])
def test_plain_safetensors_are_read(prefix, weights, fingerprint, tmp_path):
    """Safetensors of another program, without our header."""
    save_file(prefixed(prefix, weights), tmp_path / "x.safetensors")
    assert load_vae(tmp_path / "x.safetensors").fingerprint == fingerprint


def test_the_format_of_old_torch_is_read(weights, fingerprint, tmp_path):
    """A bare pickle, as torch wrote before archives."""
    torch.save({"state_dict": weights}, tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    assert load_vae(tmp_path / "x.pth").fingerprint == fingerprint


def test_maisis_own_key_is_taken_whatever_else_there_is(weights, fingerprint, tmp_path):
    """The file that is read today is read alike tomorrow."""
    other = {name: tensor + 1 for name, tensor in weights.items()}
    torch.save({"ema": other, "unet_state_dict": weights}, tmp_path / "x.pt")
    assert load_vae(tmp_path / "x.pt").fingerprint == fingerprint


@pytest.mark.law("DATA-005")
def test_two_that_differ_are_not_chosen_from(weights, tmp_path):
    """Weights and their average: both are named, and the user says which."""
    other = {name: tensor + 1 for name, tensor in weights.items()}
    torch.save({"state_dict": prefixed("model.", weights) | prefixed("ema.", other)}, tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"'state_dict.ema', 'state_dict.model'"):
        load_vae(tmp_path / "x.pt")


class Custom:
    """A class of the user's own."""


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"args": Namespace(a=1)}, "argparse.Namespace"),
        ({"x": Custom()}, "Custom"),
        ({"net": nn.Linear(1, 1)}, "Linear"),
        ({"x": np.array([{}], dtype=object)}, "numpy.dtypes.ObjectDType, which is not rebuilt"),
    ],
)
def test_what_could_run_code_is_named_with_the_command_that_leaves_it_out(content, named, weights, tmp_path):
    """No colours, no lines of the library's; the command works as it stands, and its file is read."""
    path = tmp_path / "my weights.pt"
    torch.save({"state_dict": weights, **content}, path)
    with pytest.raises(InputError) as caught:
        load_vae(path)
    sentence = caught.value.sentence
    assert named in caught.value.problem
    assert "x1b" not in sentence
    assert len(sentence) < 900
    if named == "argparse.Namespace":
        command = caught.value.remedy.partition("run ")[2].partition(", with the key")[0]
        subprocess.run([sys.executable, *shlex.split(command)[1:]], check=True, timeout=120)
        assert load_vae(path.with_suffix(".safetensors")).architecture == NARROW


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("quant_conv_mu.conv.bias"), "1 tensors are missing, first 'quant_conv_mu.conv.bias'"),
        (lambda w: w.update({"encoder.extra": torch.zeros(1)}), "1 tensors are foreign, first 'encoder.extra'"),
        (lambda w: w.update({"quant_conv_mu.conv.bias": torch.zeros(5)}), r"\(5,\) instead of \(4,\)"),
    ],
)
def test_what_does_not_fit_is_told_with_what_the_file_holds(change, words, weights, tmp_path):
    """First missing or foreign name, shapes, where it was looked for and the keys at the top."""
    changed = dict(weights)
    change(changed)
    torch.save({"state_dict": prefixed("model.", changed), "epoch": 3}, tmp_path / "x.pt")
    with pytest.raises(InputError, match=words) as caught:
        load_vae(tmp_path / "x.pt")
    assert "under 'state_dict.model'" in caught.value.problem
    assert "epoch (int)" in caught.value.problem


def test_another_network_is_told_by_its_keys(tmp_path):
    """A file of something else says what is in it."""
    torch.save({"generator": {"a": 1}, "iteration": 7}, tmp_path / "x.pt")
    with pytest.raises(
        InputError, match=r"neither under 'unet_state_dict' nor, behind any prefix, names like 'decoder"
    ):
        load_vae(tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"it holds generator \(1 entries\), iteration \(int\)"):
        load_vae(tmp_path / "x.pt")


def within(content, depth):
    """The content as the value of a mapping of a mapping, and so on."""
    for level in range(depth):
        content = {f"level{level}": content}
    return content


def test_weights_are_looked_for_to_a_stated_depth_and_no_further():
    """Under `DEEPEST` keys they are found, under one more they are not, and a mapping that holds itself has an end."""
    weights = {"conv.weight": torch.zeros(1)}
    assert find_weights(within(weights, DEEPEST), weights, preferred="x").tensors == weights
    endless = {}
    endless["again"] = endless
    for content in (within(weights, DEEPEST + 1), endless):
        with pytest.raises(InputError, match="no tensors of this network"):
            find_weights(content, weights, preferred="x")
