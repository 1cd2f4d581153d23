"""Which device a command computes on, why another is not to be had, and what a run keeps of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from neuromf.errors import InputError
from neuromf.training.device import facts as device_facts
from neuromf.training.device.choice import choose_device
from neuromf.training.device.facts import device_facts as facts_of
from neuromf.training.device.facts import device_sentence, refuse_broken_promise, seen_by_torch
from neuromf.training.process_group.start import own_device_name

A100 = SimpleNamespace(name="NVIDIA A100-SXM4-80GB", major=8, minor=0, total_memory=85_094_039_552)


@pytest.fixture
def gpus(monkeypatch):
    """Let torch seem to see so many GPUs."""

    def see(count, built="12.8"):
        monkeypatch.setattr(torch.version, "cuda", built)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: A100)
        monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda wanted: None)

    return see


def test_a_missing_demanded_gpu_is_a_sentence_with_what_torch_sees(gpus, monkeypatch, tmp_path):
    """Build, driver, what is visible: the three things of which one is the reason."""
    gpus(0)
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  470.82.01  Release\n")
    monkeypatch.setattr(device_facts, "DRIVER", tmp_path / "version")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(InputError) as refused:
        choose_device("cuda")
    said = str(refused.value)
    for words in ("device 'cuda' is not to be had", "is built for CUDA 12.8 and sees 0 GPUs", "driver is 470.82.01"):
        assert words in said
    assert "CUDA_VISIBLE_DEVICES is ''" in said
    assert said.count("\n") == 0


def test_a_build_without_cuda_and_a_machine_without_a_driver_are_named(gpus, monkeypatch, tmp_path):
    """As on this machine, or with the wheel for the CPU on a machine with GPUs."""
    gpus(0, built=None)
    monkeypatch.setattr(device_facts, "DRIVER", tmp_path / "none")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    said = seen_by_torch()
    assert "is built without CUDA" in said
    assert "no NVIDIA driver is loaded" in said
    assert "CUDA_VISIBLE_DEVICES is not set" in said


MASTER = (("MASTER_ADDR", "localhost"), ("MASTER_PORT", "29500"))


def test_an_unusable_gpu_is_no_reason_to_take_the_cpu(gpus, monkeypatch):
    """Nobody named a device; the one that is found fails at its first tensor."""
    gpus(1)

    def busy(*shape, device):
        raise RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable\nmore\n")

    monkeypatch.setattr(torch, "empty", busy)
    with pytest.raises(InputError, match=r"'cuda' is not to be had .CUDA error: all CUDA-capable devices are busy"):
        choose_device(None)


def test_a_process_without_a_gpu_of_its_own_is_refused_with_both_counts(gpus, monkeypatch):
    """Two processes, one visible GPU: the second has none, whether or not one was named."""
    gpus(1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2"), *MASTER):
        monkeypatch.setenv(name, value)
    for asked in (None, "cuda"):
        with pytest.raises(InputError) as refused:
            own_device_name(asked)
        said = str(refused.value)
        assert "process 2 of 2 on this machine has no GPU of its own" in said
        assert "sees 1 GPU," in said
        assert "CUDA_VISIBLE_DEVICES is '3'" in said


def test_each_process_has_the_gpu_of_its_number_where_there_are_enough(gpus, monkeypatch):
    """As torchrun numbers them; one that is named by its number is left alone."""
    gpus(2)
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2"), *MASTER):
        monkeypatch.setenv(name, value)
    assert [own_device_name(name) for name in (None, "cuda", "cuda:0", "cpu")] == ["cuda:1", "cuda:1", "cuda:0", "cpu"]


def test_facts_of_a_gpu_name_it_and_what_torch_was_built_for(gpus):
    """Kind, name, ranks, capability, memory with its unit, CUDA."""
    gpus(2)
    facts = facts_of(torch.device("cuda:0"), 2)
    told = {"device": "cuda", "device_name": "NVIDIA A100-SXM4-80GB", "ranks": "2", "capability": "8.0"}
    assert told.items() <= facts.items()
    assert (facts["device_memory"], facts["cuda"]) == ("79.2 GiB", "12.8")
    shown = "trains on cuda: 2 processes, each on NVIDIA A100-SXM4-80GB, 79.2 GiB, capability 8.0, torch's CUDA 12.8"
    assert device_sentence(facts) == shown


def test_facts_of_the_cpu_name_it_and_its_threads():
    """The count is that of torch."""
    facts = facts_of(torch.device("cpu"), 1)
    assert facts["device"] == "cpu"
    assert facts["threads"] == str(torch.get_num_threads())
    assert device_sentence(facts).startswith(f"trains on the CPU: {facts['device_name']}, {facts['threads']} thread")


def test_only_several_gpus_are_a_promise(gpus):
    """`gpus: 1` is the least that a configuration can say."""
    gpus(0)
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    refuse_broken_promise(1, cpu, {})
    refuse_broken_promise(2, cuda, {})
    with pytest.raises(InputError, match=r"training\.gpus is 2, but no GPU can be used: torch "):
        refuse_broken_promise(2, cpu, {})
