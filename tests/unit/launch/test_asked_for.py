"""Cores and memory that a job asks for, on random configurations, against the docstring's formula written once more."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.config.resolve import flat_config
from neuromf.launch import resources
from neuromf.nets.vae_architecture import VaeArchitecture
from tests.support.config_strategies import configs

GIB = 2**30
PARAMETERS = 7_654_321


@given(config=configs(), gpus=st.integers(0, 9), scans=st.integers(1, 10**6), width=st.sampled_from([8, 32, 64]))
def test_a_job_asks_for_what_its_formula_says(config, gpus, scans, width):
    """Processes, workers, weights, batches, one scan in work, manifest and trace; activations where there is no GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resources, "parameter_count", lambda _: PARAMETERS)
        patch.setattr(resources, "STEP_GIB", 1e-9)  # so that nothing is lost in rounding
        asked = resources.resources(config, VaeArchitecture((width, 2 * width), (1, 1), 8), scans, gpus)
    k = flat_config(config)
    cells = math.prod(size // k["vae.stride"] for size in k["data.shape"])
    dims, voxels = k["vae.latent_channels"] * cells, math.prod(k["data.shape"])
    steps = k["training.epochs"] * k["training.micro_batches_per_epoch"] // k["training.gradient_accumulation_steps"]
    processes, workers, batch = max(gpus, 1), 2 if gpus else 0, k["training.batch_size_per_gpu"]
    weights = 28 if k["ema.decay"] is None else 36
    each = 4 * GIB + weights * PARAMETERS + workers * (0.5 * GIB + 3 * 2 * 4 * batch * dims)
    total = processes * each + 8 * 4 * voxels * width + 4096 * (scans + steps)
    if not gpus:
        total += 4 * PARAMETERS + 140 * 4 * batch * cells * k["unet.channels"][0]
    assert asked.memory_gib == pytest.approx(1.5 * total / GIB, rel=1e-6)
    assert asked.cpus == (gpus * 3 if gpus else 4)
