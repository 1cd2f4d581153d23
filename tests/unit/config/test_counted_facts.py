"""Every count that follows from a configuration, on random ones, against a formula on its keys."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest
from hypothesis import given

from neuromf.config.derived import epoch_of_step, run_facts
from neuromf.config.resolve import flat_config
from tests.support.config_strategies import configs


@given(config=configs())
def test_a_count_is_that_of_its_keys(config):
    """Steps, samples, dims and terms; a new count is an error here until it has a formula."""
    k = flat_config(config)
    micro_batches = k["training.epochs"] * k["training.micro_batches_per_epoch"]
    accumulated = k["training.gradient_accumulation_steps"]
    batch = k["training.batch_size_per_gpu"] * k["training.gpus"] * accumulated
    assert asdict(run_facts(config)) == {
        "optimiser_steps": micro_batches // accumulated,
        "steps_per_epoch": k["training.micro_batches_per_epoch"] / accumulated,
        "effective_batch": batch,
        "mf_samples_per_update": pytest.approx(batch - k["time_sampling.data_proportion"] * batch),
        "latent_dims": math.prod((k["vae.latent_channels"], *(size // k["vae.stride"] for size in k["data.shape"]))),
        "loss_terms": 2 if k["meanflow.loss_terms"] == "dual" else 1,
        "idle_micro_batches": micro_batches - micro_batches // accumulated * accumulated,
    }


@given(config=configs())
def test_a_step_is_of_the_epoch_that_holds_its_last_micro_batch(config):
    """Counted out micro-batch by micro-batch, around the turns of the first epochs and at the end of the run."""
    k = flat_config(config)
    each, accumulated = k["training.micro_batches_per_epoch"], k["training.gradient_accumulation_steps"]
    steps = run_facts(config).optimiser_steps
    for step in {0, 1, each // accumulated - 1, each // accumulated, 2 * each // accumulated, steps - 1}:
        if 0 <= step < steps:
            last = accumulated * (step + 1)  # micro-batches up to and with the step's last
            assert each * epoch_of_step(config, step) < last <= each * (epoch_of_step(config, step) + 1)
