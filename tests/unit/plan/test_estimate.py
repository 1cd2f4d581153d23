"""A plan's numbers, each against a computation of its own, and what the command says of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from neuromf.config import load_config
from neuromf.config.derived import run_facts
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_source import vae_source
from neuromf.plan import estimate
from neuromf.plan.encoding import encoding_flops
from neuromf.plan.gpus import GIB, GPUS, RESERVED_GIB, SUSTAINED
from neuromf.plan.step_cost import StepCost
from neuromf.plan.told import told
from tests.support.command_line import run_command

A100 = GPUS["a100-80"]
BYTES_A_SAMPLE, FIXED = 3 * GIB, 2 * GIB
ENCODING = 5e12


@pytest.fixture
def known(monkeypatch):
    """A network whose memory is a line through its micro-batches, and whose operations are round numbers."""

    def cost(config, size):
        return StepCost(10**8, GIB, FIXED + BYTES_A_SAMPLE * size, 6e12 * size, 1e12 * size)

    monkeypatch.setattr(estimate, "step_cost", cost)
    monkeypatch.setattr(estimate, "step_bytes", lambda config, size: cost(config, size).step_bytes)
    monkeypatch.setattr(estimate, "encoding_flops", lambda config: ENCODING)


@pytest.fixture
def config():
    return load_config(
        ["recommended"],
        ["training.gpus=2", "training.batch_size_per_gpu=8", "training.gradient_accumulation_steps=4",
         "training.precision=bf16", "meanflow.derivative_precision=tf32"],
    )  # fmt: skip


def test_hours_are_operations_over_the_rates_of_their_number_types(known, config):
    """Passes in bfloat16, derivative in TF32; each GPU makes its own micro-batches, all pay for the same time."""
    found, facts = estimate.plan(config, A100), run_facts(config)
    seconds = 4 * 8 * (6e12 / (SUSTAINED["bf16"] * 312e12) + 1e12 / (SUSTAINED["tf32"] * 156e12))
    assert found.samples_per_second == pytest.approx(64 / seconds)
    assert found.gpu_hours == pytest.approx(2 * facts.optimiser_steps * seconds / 3600)
    assert found.step_tflop == pytest.approx(7 * 64)


def test_the_largest_micro_batch_is_the_last_that_has_room(known, config):
    """One more would not fit."""
    room = A100.memory_gib - RESERVED_GIB
    found = estimate.plan(config, A100)
    largest = found.largest_micro_batch
    assert largest * 3 + 3 <= room < (largest + 1) * 3 + 3
    assert found.peak_gib == 8 * 3 + 3
    assert found.fits


def test_a_run_that_no_micro_batch_fits_says_so(known, config):
    """Where weights alone fill the GPU there is none."""
    small = replace(A100, memory_gib=RESERVED_GIB + 5)
    found = estimate.plan(config, small)
    assert (found.fits, found.largest_micro_batch) == (False, 0)
    assert "does NOT fit; no micro-batch fits" in dict(told(found))["micro-batch of 8"]


def test_a_plan_is_told_in_the_same_order_each_time(known, config):
    """From the network to how the time is known; what is known of no cohort is left out."""
    names = [name for name, _ in told(estimate.plan(config, A100))]
    head = ["network", "memory on each GPU", "micro-batch of 8", "a step", "the run"]
    assert names == [*head, "checkpoints", "how the time is known"]


def test_disk_is_counted_in_checkpoints_and_latents(known, config):
    """Four copies of the weights in a checkpoint; float32 latents, of a known number of scans alone."""
    found = estimate.plan(config, A100, scans=1000)
    assert found.checkpoint_gib == pytest.approx(16e8 / GIB)
    assert found.latents_gib == pytest.approx(1000 * 4 * 48**3 * 4 / GIB)
    assert estimate.plan(config, A100).latents_gib is None


def test_a_checkpoint_without_an_average_is_three_copies_of_the_weights(known, config):
    """Weights and Adam's two moments."""
    averaged = config.model_copy(update={"ema": config.ema.model_copy(update={"decay": None})})
    assert estimate.plan(averaged, A100).checkpoint_gib == pytest.approx(12e8 / GIB)


def test_encoding_takes_a_scans_operations_at_the_rate_of_float32(known, monkeypatch, config):
    """For a known number of scans and a known autoencoder alone."""
    found = estimate.plan(config, A100, scans=1000)
    assert found.encoding_gpu_hours == pytest.approx(1000 * ENCODING / (SUSTAINED["fp32"] * 19.5e12) / 3600)
    assert "encoding of the cohort" in dict(told(found))
    monkeypatch.setattr(estimate, "encoding_flops", lambda config: None)
    for unknown in (estimate.plan(config, A100), estimate.plan(config, A100, scans=1000)):
        assert unknown.encoding_gpu_hours is None
        assert "encoding of the cohort" not in dict(told(unknown))


def test_operations_of_an_encoding_are_those_of_its_convolutions():
    """The demo's autoencoder on 32^3 voxels: two operations for each weight of a kernel and each cell it is put on."""
    config, made = load_config(["smoke"], ["data.shape=[32,32,32]"]), []

    def count(layer, _, out):
        if isinstance(layer, torch.nn.Conv3d):
            made.append(2 * layer.weight.numel() * out.shape[2:].numel())

    with torch.nn.modules.module.register_module_forward_hook(count):
        load_vae(vae_source(config.vae)).encode(torch.zeros(1, 1, 32, 32, 32))
    assert encoding_flops(config) == pytest.approx(sum(made), rel=1e-12)


def test_without_its_autoencoder_an_encoding_has_no_operations():
    """The file is missing: the rest of a plan is told all the same."""
    config = load_config(["smoke"], ["vae.checkpoint=missing.pt"])
    assert encoding_flops(config) is None


def test_the_command_writes_what_it_says_and_fails_where_it_does_not_fit(known, monkeypatch, capsys, tmp_path):
    """Exit code 0 or 1; the file has the numbers of the screen."""
    file = tmp_path / "plan.json"
    ended = run_command(monkeypatch, capsys, "plan", "recommended", "--gpu", "a100-40", "--scans", 7, "--json", file)
    found = json.loads(file.read_text())
    assert ended.returncode == 0, ended.stderr
    assert found["fits"] is True
    assert f"{found['peak_gib']:.1f} GiB in tensors" in ended.stdout
    assert "A100, 40 GB" in ended.stdout
    assert "latents of the cohort" in ended.stdout
    large = ["--set", "training.batch_size_per_gpu=64"]
    assert run_command(monkeypatch, capsys, "plan", "recommended", *large).returncode == 1
