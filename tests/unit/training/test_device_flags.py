"""What a training asks of torch's kernels: float32 that is float32, and repeatable ones where they are asked for."""

from __future__ import annotations

from types import SimpleNamespace
from unittest import mock

import pytest
import torch

from neuromf import api
from neuromf.cli import train as train_command
from neuromf.cli.progress import ProgressFile
from neuromf.data.chosen import Cohort
from neuromf.training.device import choice
from neuromf.training.device.choice import choose_device
from tests.support.tiny_run import make_tiny_config

FLAGS = (
    (torch.backends.cudnn, "allow_tf32"),
    (torch.backends.cuda.matmul, "allow_tf32"),
    (torch.backends.cudnn, "benchmark"),
    (torch.backends.cudnn, "deterministic"),
)


NO_OPTION = {
    "resume": False, "max_steps": None, "device": "cpu", "workers": None, "real_latents": 0, "notifier": None,
}  # fmt: skip


class ChosenError(Exception):
    """The device was chosen: no more is needed of a command."""


@pytest.fixture(params=[False, True], ids=["all off before", "all on before"])
def before(request):
    """Torch's flags as something else left them; put back afterwards."""
    kept = [getattr(place, name) for place, name in FLAGS]
    for place, name in FLAGS:
        setattr(place, name, request.param)
    yield
    for (place, name), value in zip(FLAGS, kept, strict=True):
        setattr(place, name, value)


@pytest.mark.law("PREC-001")
@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("gpu", [False, True])
def test_the_flags_are_what_was_asked_for_whatever_they_were(deterministic, gpu, monkeypatch):
    """No TF32, ever; kernels that repeat themselves or the fastest, as asked, and no error of one on a GPU unasked."""
    asked = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch, "use_deterministic_algorithms", asked.append)
    choose_device("cpu", deterministic=deterministic)
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"
    assert torch.backends.cudnn.deterministic == deterministic
    assert torch.backends.cudnn.benchmark == (not deterministic)
    assert asked == ([deterministic] if gpu else [])


@pytest.mark.law("CFG-001")
@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("way", ["function", "command"])
def test_both_ways_to_train_ask_for_what_the_configuration_says(deterministic, way, tmp_path):
    """`neuromf.train` and `neuromf train` hand `training.deterministic` to the choice of the device."""
    config = make_tiny_config(f"training.deterministic={str(deterministic).lower()}")
    ways = {
        "function": lambda: api.train(config, tmp_path / "run", device="cpu", allow_blocked="a test of the device"),
        "command": lambda: train_command._train(
            config, Cohort(config.data), tmp_path, str, SimpleNamespace(), ProgressFile(None), lambda: None, **NO_OPTION
        ),
    }
    with mock.patch.object(choice, "choose_device", side_effect=ChosenError) as chosen, pytest.raises(ChosenError):
        ways[way]()
    chosen.assert_called_once_with("cpu", deterministic=deterministic)
