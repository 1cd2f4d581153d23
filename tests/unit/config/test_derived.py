"""What a configuration means in steps, samples and dimensions."""

from __future__ import annotations

import pytest

from neuromf.config import load_config, run_facts
from neuromf.config.derived import derivative_precision, epoch_of_step, second_logit


def test_phase4c_has_the_counts_of_the_review():
    """500 epochs of 30 micro-batches at accumulation 8 are 1,875 updates of 128 samples, 32 of them MF."""
    facts = run_facts(load_config(["phase4c"]))

    assert (facts.optimiser_steps, facts.steps_per_epoch, facts.effective_batch) == (1875, 3.75, 128)
    assert (facts.mf_samples_per_update, facts.latent_dims) == (32.0, 442_368)


def test_failed_run_has_the_counts_of_the_review():
    """225 epochs of 30 steps are 6,750 updates of 16 samples."""
    facts = run_facts(load_config(["failed_225"]))

    assert (facts.optimiser_steps, facts.effective_batch, facts.loss_terms) == (6750, 16, 2)


@pytest.mark.law("OBS-002")
def test_epochs_cover_the_run_in_order():
    """Each step belongs to one epoch, epochs rise by one, and the last is the last."""
    config = load_config(["phase4c"])

    epochs = [epoch_of_step(config, step) for step in range(run_facts(config).optimiser_steps)]

    assert sorted(set(epochs)) == list(range(500))
    assert epochs == sorted(epochs)


def test_micro_batches_too_few_for_an_update_are_counted():
    """Of 15, accumulated four at a time, three are left; of 16 none."""
    base = ["training.micro_batches_per_epoch=1", "training.gradient_accumulation_steps=4"]
    left = [run_facts(load_config(["smoke"], [*base, f"training.epochs={n}"])).idle_micro_batches for n in (15, 16)]
    assert left == [3, 0]


@pytest.mark.parametrize(
    ("overrides", "mean", "deviation"),
    [
        ((), -0.4, 1.0),
        (("r_mu=-4.0",), -4.0, 1.0),
        (("r_sigma=1.6",), -0.4, 1.6),
        (("r_mu=0.0", "r_sigma=2.0"), 0.0, 2.0),
    ],
)
def test_what_the_second_time_is_not_given_is_that_of_the_first(overrides, mean, deviation):
    """Mean and deviation are taken over one by one."""
    chosen = ["time_sampling.mu=-0.4", "time_sampling.sigma=1.0", *(f"time_sampling.{text}" for text in overrides)]
    assert second_logit(load_config("recommended", chosen).time_sampling) == (mean, deviation)


@pytest.mark.parametrize("asked", ["fp32", "bf16", None])
@pytest.mark.parametrize("trained", ["fp32", "bf16"])
@pytest.mark.parametrize("difference", [False, True])
def test_the_derivative_has_the_precision_that_is_asked_for(asked, trained, difference):
    """Where none is: an exact derivative fp32, a difference that of the training."""
    method = ["meanflow.jvp=finite_difference", "meanflow.fd_step=0.001"] if difference else []
    written = "null" if asked is None else asked
    config = load_config(
        "recommended", [f"training.precision={trained}", f"meanflow.derivative_precision={written}", *method]
    )
    assert derivative_precision(config) == (asked or (trained if difference else "fp32"))
