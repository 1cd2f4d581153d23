"""Claims of the review about warm-up, Adam, batch, average and schedule, recomputed (`claims.toml`)."""

import math

import numpy as np
import pytest
import torch
from neuromf_spec.claims import claims
from neuromf_spec.laws.ema import half_life
from neuromf_spec.reference.adam import adamw
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from neuromf.config import Config, run_facts
from neuromf.config.schema import TrainingConfig
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.times import fm_mask
from neuromf.nets.unet import build_unet
from neuromf.training.step.ema import Ema
from neuromf.training.step.optimiser import build_optimiser
from neuromf.training.step.schedule import lr_multiplier
from tests.support.law_strategies import TINY_UNET, draw_batch, in_type, settings_for

RECOMPUTED = {row.id: row.recomputed for row in claims()}
STEPS_PER_EPOCH = 30
RUN, PLANNED = 225 * STEPS_PER_EPOCH, 500 * STEPS_PER_EPOCH


def model_with(values):
    model = nn.Module()
    model.weights = nn.Parameter(torch.tensor(values, dtype=torch.float64))
    return model


# Lipman et al., arXiv:2210.02747, Table 3: data set -> warm-up and length in thousands of steps.
FLOW_MATCHING_RUNS = {
    "CIFAR-10": (45, 391),
    "ImageNet-32": (20, 250),
    "ImageNet-64": (0, 157),
    "ImageNet-128": (20, 500),
}


def test_published_warm_ups_are_short():
    """CIFAR-10's MeanFlow was warmed up for 1.25 %, and no flow-matching run of the cited table above 11.5 %."""
    assert f"{10_000 / 800_000:.2%}" == f"{200 / 16_000:.2%}" == "1.25%"
    # 200 and 16,000 epochs of 50,000 images in batches of 8 x 128 are the 10k and 800k steps to 3 %.
    steps_per_epoch = 50_000 / (8 * 128)
    assert 200 * steps_per_epoch == pytest.approx(10_000, rel=0.03)
    assert 16_000 * steps_per_epoch == pytest.approx(800_000, rel=0.03)
    assert RECOMPUTED["CLAIM-22"] == f"{100 * 200 / 16_000:.2f} % = 10,000 / 800,000 = 200 / 16,000 epochs"
    shares = {name: warmup / length for name, (warmup, length) in FLOW_MATCHING_RUNS.items()}
    warmups, lengths = zip(*FLOW_MATCHING_RUNS.values(), strict=True)
    across = max(warmups) / min(lengths)
    assert RECOMPUTED["CLAIM-26"].startswith(f"0 to {100 * max(shares.values()):.1f} % within one run; ")
    assert f"{100 * across:.1f} % = {max(warmups)}k / {min(lengths)}k" in RECOMPUTED["CLAIM-26"]


def test_share_of_the_warm_up_depends_on_the_run():
    """5,000 steps are 74.1 % of the 225 epochs that were run and 33.3 % of the 500 that were planned."""
    run, planned = (f"{100 * 5_000 / steps:.1f} % of the {steps:,}" for steps in (RUN, PLANNED))
    assert RECOMPUTED["CLAIM-23"].startswith(run)
    assert planned in RECOMPUTED["CLAIM-23"]


@pytest.mark.parametrize("gradient", [1.4, 1400.0, -1.4e-6])
def test_first_update_does_not_follow_the_size_of_the_gradient(gradient):
    """Adam's first update is the learning rate against the sign of the gradient, however large the gradient is."""
    model = model_with([0.0])
    optimiser = build_optimiser(model, TrainingConfig(learning_rate=1e-4, beta2=0.999))
    model.weights.grad = torch.full((1,), gradient, dtype=torch.float64)
    optimiser.step()
    # adam_eps 1e-8 over the gradient's size: 0.7 % at 1.4e-6.
    assert model.weights.item() == pytest.approx(-1e-4 * math.copysign(1, gradient), rel=0.01)


def test_a_hundred_steps_are_less_than_one_per_cent():
    """100 and 200 steps are 0.67 and 1.33 % of 500 epochs, 1.48 and 2.96 % of 225, and 3.3 and 6.7 epochs."""
    shares = [f"{100 * 100 / steps:.2f} to {100 * 200 / steps:.2f} %" for steps in (PLANNED, RUN)]
    epochs = f"{100 / STEPS_PER_EPOCH:.1f} to {200 / STEPS_PER_EPOCH:.1f} epochs"
    expected = f"{shares[0]} of {PLANNED:,} steps; {shares[1]} of the {RUN:,} that were run; {epochs}"
    assert RECOMPUTED["CLAIM-25"] == expected


@pytest.mark.parametrize(("claim_id", "beta2"), [("CLAIM-28", 0.999), ("CLAIM-29", 0.95)])
def test_windows_of_the_second_moment(claim_id, beta2):
    """The mean age of a squared gradient in the average is 1000 steps at 0.999 and 20 at 0.95."""
    weights = (1 - beta2) * beta2 ** np.arange(40_000)  # what is left beyond is below 1e-17
    age = float(np.sum(weights * (1 + np.arange(40_000))))
    assert age == pytest.approx(1 / (1 - beta2), rel=1e-9)
    digits = 1 if age > STEPS_PER_EPOCH else 2
    expected = f"{age:.0f} steps, {age / STEPS_PER_EPOCH:.{digits}f} epochs of {STEPS_PER_EPOCH} steps"
    assert RECOMPUTED[claim_id] == expected


def test_printed_update_is_adam():
    """The trainer's optimiser without decay follows the printed formula, and so does the reference."""
    generator = np.random.default_rng(0)
    gradients = generator.standard_normal((8, 5)) * 10.0 ** generator.uniform(-3, 3, (8, 1))
    model = model_with(np.zeros(5))
    optimiser = build_optimiser(model, TrainingConfig(learning_rate=1e-4, beta2=0.999, weight_decay=0.0))
    theta, m, v, history = np.zeros(5), np.zeros(5), np.zeros(5), []
    for k, g in enumerate(gradients, start=1):
        model.weights.grad = torch.from_numpy(g)
        optimiser.step()
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + (1 - 0.999) * g**2
        theta = theta - 1e-4 * (m / (1 - 0.9**k)) / (np.sqrt(v / (1 - 0.999**k)) + 1e-8)
        history.append(theta)
    rates = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0}
    np.testing.assert_allclose(model.weights.detach().numpy(), theta, rtol=1e-9)  # sums of 8 terms in float64
    np.testing.assert_allclose(adamw(np.zeros(5), list(gradients), [1e-4] * 8, **rates), history, rtol=1e-9)


def test_bias_correction_has_ended():
    """After 6,750 steps at 0.999 the correction is 1.0012, and it is below 1.01 from step 4,613 on."""
    weights_so_far = [float(np.sum(0.001 * 0.999 ** np.arange(steps))) for steps in (RUN, 4_612, 4_613)]
    corrections = [1 / total for total in weights_so_far]
    assert f"{corrections[0]:.4f}" == RECOMPUTED["CLAIM-31"]
    assert corrections[1] > 1.01 > corrections[2]


def test_mean_of_the_raw_loss_costs_nothing():
    """Averaging the squared error adds one operation a number: below 1e-4 of the smallest U-Net's training step."""
    net = build_unet(TINY_UNET, v_head=False, seed=0)
    batch = in_type(draw_batch(0, 4, shape=(4, 8, 8, 8)), torch.float32)
    with FlopCounterMode(display=False) as counter:
        settings = settings_for()
        meanflow_objective(net, batch, settings).weighted_B.mean().backward()
    bound = 1e-4  # measured 1.1e-5
    assert batch.x.numel() < bound * counter.get_total_flops()
    assert RECOMPUTED["CLAIM-40"].startswith(f"below {100 * bound:.2f} %")


@pytest.mark.parametrize("scans", [990, 1_117])
def test_steps_of_an_epoch_identify_the_batch(scans):
    """30 whole steps of the run's 990 scans are 32 samples each; 16 would make 61, and 1,117 scans fit neither."""
    steps = {batch: scans // batch for batch in (32, 16)}
    assert (STEPS_PER_EPOCH in steps.values()) == (scans == 990)
    if scans == 990:
        (batch,) = (batch for batch, count in steps.items() if count == STEPS_PER_EPOCH)
        expected = f"{batch}: {batch // 2} per GPU and two GPUs make {STEPS_PER_EPOCH} steps of {scans} samples, "
        assert RECOMPUTED["CLAIM-42"] == expected + f"a batch of 16 would make {steps[16]}"
        assert RECOMPUTED["CLAIM-43"].startswith(f"{256 // batch} = 256 / {batch}; {256 // 16} = 256 / 16")


def test_kinds_of_samples_in_a_batch():
    """Of 16 samples 12 are FM at 0.75; of the lost run's 32, 8 are at 0.25."""
    counts = [(int(fm.sum()), int((~fm).sum())) for fm in (fm_mask(0, 16, 0.75), fm_mask(0, 32, 0.25))]
    (fm, mf), (lost_fm, lost_mf) = counts
    assert RECOMPUTED["CLAIM-44"] == f"{fm} and {mf}; the lost run, 32 at 0.25, had {lost_fm} and {lost_mf}"
    assert lost_mf == 6 * mf


def review_run(accumulation, epochs=500):
    """The review's batch, 8 on each of two GPUs, and its 30 micro-batches an epoch, as the trainer counts them."""
    training = {"batch_size_per_gpu": 8, "gpus": 2, "gradient_accumulation_steps": accumulation}
    training |= {"epochs": epochs, "micro_batches_per_epoch": STEPS_PER_EPOCH}
    return run_facts(Config.model_validate({"training": training, "time_sampling": {"data_proportion": 0.75}}))


def test_accumulation_multiplies_the_batch_and_divides_the_steps():
    """8-fold accumulation makes 128 samples, 32 of them MF, in an eighth of the steps, from the same samples."""
    before, after = review_run(1), review_run(8)
    assert RECOMPUTED["CLAIM-47"] == f"{after.effective_batch} and {after.mf_samples_per_update:.0f}"
    factor = after.effective_batch // before.effective_batch
    assert before.optimiser_steps == factor * after.optimiser_steps
    samples = [facts.effective_batch * facts.steps_per_epoch for facts in (before, after)]
    assert samples[0] == samples[1]
    expected = f"{factor}-fold batch, 1/{factor} of the optimiser steps ({after.steps_per_epoch:.2f} an epoch)"
    assert RECOMPUTED["CLAIM-48"].startswith(expected)


def test_half_lives_of_the_average():
    """The review's ln 2 / (1 - decay) is 693, 1,386 and 6,931 steps, within 0.05 % of the exact ones."""
    decays = (0.999, 0.9995, 0.9999)
    stated, exact = [math.log(2) / (1 - decay) for decay in decays], [half_life(decay) for decay in decays]
    for decay, steps, precise in zip(decays, stated, exact, strict=True):
        assert decay**precise == pytest.approx(0.5, rel=1e-9)
        assert steps == pytest.approx(precise, rel=1 - decay)
    epochs = [steps / STEPS_PER_EPOCH for steps in stated[:2]]
    expected = ", ".join(f"{steps:,.0f}" for steps in stated) + f" steps; {epochs[0]:.0f} and {epochs[1]:.0f} epochs"
    assert RECOMPUTED["CLAIM-49"].startswith(expected)
    assert RECOMPUTED["CLAIM-49"].endswith(", ".join(f"{precise:.1f}" for precise in exact))
    shares = [100 * steps / PLANNED for steps in (stated[0], stated[2])]
    run = f"{PLANNED:,} = {PLANNED // STEPS_PER_EPOCH} x {STEPS_PER_EPOCH} steps"
    assert RECOMPUTED["CLAIM-51"] == f"{shares[0]:.1f} % and {shares[1]:.0f} % of {run}"


def test_steps_of_the_imagenet_run():
    """240 epochs of ImageNet's 1,281,167 images in whole batches of 256 are 1.20 million steps."""
    steps = 1_281_167 // 256
    assert RECOMPUTED["CLAIM-50"] == f"{240 * steps / 1e6:.2f} million = 240 x {steps:,}"


def updates_until_half(decay, updates_per_step):
    """Optimiser steps after which the trainer's average holds half of its first weights."""
    model = model_with([1.0])
    ema = Ema(model, decay)
    with torch.no_grad():
        model.weights.zero_()
    steps = 0
    while ema.shadow["weights"].item() > 0.5:
        for _ in range(updates_per_step):
            ema.update(model)
        steps += 1
    return steps


def test_accumulation_lengthens_the_average():
    """With 8 micro-batches a step 0.999 halves after 37 % of the run; updated per micro-batch, after 4.6 %."""
    steps = review_run(8).optimiser_steps
    per_step, per_micro_batch = (updates_until_half(0.999, count) for count in (1, 8))
    assert RECOMPUTED["CLAIM-52"].startswith(f"{100 * per_step / steps:.0f} % of {steps:,} optimiser steps")
    assert f"{100 * per_micro_batch / steps:.1f} % if counted per micro-batch" in RECOMPUTED["CLAIM-52"]


def lost_run_multiplier(step, warmup_steps):
    """The warm-up of the public code at 89fbc54, latent_meanflow.py:289, and 1 after it."""
    return step / max(warmup_steps, 1) if step < warmup_steps else 1.0


def test_multiplier_of_step_0():
    """The expression alone is 0.0 at step 0; behind its test it is 1.0 without warm-up, as in this trainer."""
    planned = 0 / max(0, 1)
    assert RECOMPUTED["CLAIM-60"].startswith(f"{planned} of the planned expression; {lost_run_multiplier(0, 0)} of")
    assert lost_run_multiplier(0, 0) == lr_multiplier(0, PLANNED, 0, "constant") == 1.0
    # The review's repair and the lost run alike spend the first step of a warm-up on nothing; this trainer does not.
    assert lost_run_multiplier(0, 100) == 0.0 < lr_multiplier(0, PLANNED, 100, "constant")
