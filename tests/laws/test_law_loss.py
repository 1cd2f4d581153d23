"""How samples and channels share the loss: laws LOSS-001 and LOSS-002 on the trainer's objective."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.config import load_config
from neuromf.flow.batch import Batch
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.weighting import reduce_dims
from neuromf.training.step.state import initial_state
from tests.support.law_strategies import (
    LATENT,
    SEEDS,
    draw_batch,
    gaussian_case,
    randomised_unet,
    relative_error,
    settings_for,
)

CHOICES = {
    "prediction": st.sampled_from(["u", "x"]),
    "tangent": st.sampled_from(["conditional", "model"]),
    "loss_terms": st.sampled_from(["single", "dual"]),
    "reduction": st.sampled_from(["mean", "sum"]),
    "norm_p": st.sampled_from([0.0, 0.5, 1.0]),
}
ROWS = ("x", "e", "r_B", "t_B")


def weighted(net, batch, configured):
    return meanflow_objective(net, batch, configured).weighted_B.detach()


def rows_of(batch, rows):
    return Batch(*(getattr(batch, name)[rows] for name in ROWS))


def largest_change(actual, expected):
    return float(((actual - expected) / expected).abs().max())


@pytest.mark.law("LOSS-001")
@given(seed=SEEDS, choices=st.fixed_dictionaries(CHOICES), order=st.permutations(range(6)))
def test_a_samples_loss_does_not_depend_on_its_place(seed, choices, order):
    """Permuting a batch permutes the weighted losses, whatever the objective."""
    case, batch = gaussian_case(seed, choices["prediction"]), draw_batch(seed, 6)
    configured = settings_for(**choices)
    whole = weighted(case.net, batch, configured)
    moved = weighted(case.net, rows_of(batch, list(order)), configured)
    assert law("LOSS-001").predicate(difference=largest_change(moved, whole[list(order)])).passed


@pytest.mark.law("LOSS-001")
@given(seed=SEEDS, choices=st.fixed_dictionaries(CHOICES), cut=st.integers(1, 5))
def test_a_samples_loss_does_not_depend_on_its_micro_batch(seed, choices, cut):
    """Six samples in one batch have the losses that they have in two, wherever it is cut."""
    case, batch = gaussian_case(seed, choices["prediction"]), draw_batch(seed, 6)
    configured = settings_for(**choices)
    whole = weighted(case.net, batch, configured)
    parts = [weighted(case.net, rows_of(batch, rows), configured) for rows in (slice(0, cut), slice(cut, 6))]
    assert law("LOSS-001").predicate(difference=largest_change(torch.cat(parts), whole)).passed


@pytest.mark.law("LOSS-001")
@settings(max_examples=4)
@given(seed=st.integers(0, 2**16), tangent=st.sampled_from(["model", "v_head"]))
def test_samples_do_not_mix_inside_the_unet(seed, tangent):
    """In the randomised U-Net, in float64, a sample alone has the loss it has in company."""
    net = randomised_unet(seed, v_head=tangent == "v_head").double()
    batch, configured = draw_batch(seed, 3, shape=(4, 4, 4, 4)), settings_for(tangent=tangent)
    whole = weighted(net, batch, configured)
    alone = torch.cat([weighted(net, rows_of(batch, [row]), configured) for row in range(3)])
    # Convolutions of another batch size may add in another order: measured 2e-16.
    assert law("LOSS-001").predicate(difference=largest_change(alone, whole)).passed


@pytest.mark.law("LOSS-001")
def test_a_weight_of_the_batch_breaks_the_law():
    """One weight from the batch's mean loss makes a sample's loss depend on its company, which the law rejects."""
    loss = torch.tensor([1.0, 4.0], dtype=torch.float64)
    together, alone = loss / (loss.mean() + 1.0), loss / (loss + 1.0)
    assert not law("LOSS-001").predicate(difference=largest_change(together, alone)).passed


def channel_weights(latents):
    """The trainer's inverse-variance weights for these latents."""
    tiny = ["unet.channels=[8,16]", "unet.attention_levels=[false,false]", "unet.head_channels=8"]
    config = load_config(["smoke"], [*tiny, "unet.norm_num_groups=4", "meanflow.channel_weights=inverse_variance"])
    std = tuple(latents.double().std(dim=(0, 2, 3, 4), correction=0).tolist())
    return initial_state(config, std, torch.device("cpu")).channel_weights_C


@pytest.mark.law("LOSS-002")
@settings(max_examples=10)
@given(seed=SEEDS, scales=st.lists(st.floats(0.05, 20.0), min_size=4, max_size=4))
def test_precision_weights_balance_the_channels(seed, scales):
    """With inverse-variance weights every channel of centred latents adds as much to the mean predictor's loss."""
    generator = np.random.default_rng(seed)
    latents = torch.from_numpy(generator.standard_normal((5, *LATENT)) * np.reshape(scales, (4, 1, 1, 1)))
    latents -= latents.mean(dim=(0, 2, 3, 4), keepdim=True)
    weights = channel_weights(latents)
    variances = latents.square().mean(dim=(0, 2, 3, 4))
    assert law("LOSS-002").predicate(weights=weights.double().tolist(), variances=variances.tolist()).passed
    losses = [float(reduce_dims(latents[:, [c]].square(), "sum", weights[[c]]).sum()) for c in range(4)]
    assert losses == pytest.approx([latents[:, 0].numel()] * 4, rel=1e-6)


@pytest.mark.law("LOSS-002")
@given(seed=SEEDS, scales=st.lists(st.floats(0.1, 10.0), min_size=4, max_size=4))
def test_gradients_are_balanced_in_units_of_each_channel(seed, scales):
    """The gradient on a channel, times its standard deviation, has the same size in all channels."""
    generator, std = np.random.default_rng(seed), torch.tensor(scales, dtype=torch.float64)
    residual = torch.from_numpy(generator.standard_normal((1, 1, *LATENT[1:]))).expand(1, 4, -1, -1, -1)
    error = (residual * std.reshape(1, 4, 1, 1, 1)).clone().requires_grad_()
    reduce_dims(error.square(), "mean", std**-2).sum().backward()
    sizes = error.grad.flatten(2).norm(dim=2)[0] * std
    assert float((sizes / sizes.mean() - 1).abs().max()) <= 1e-12


@pytest.mark.law("LOSS-002")
@given(seed=SEEDS, weights=st.lists(st.floats(0.1, 10.0), min_size=4, max_size=4))
def test_channel_weights_multiply_the_squared_error(seed, weights):
    """The weighted loss is the sum over channels of lambda_c times that channel's own loss."""
    batch = draw_batch(seed, 2)
    squared, factors = (batch.e - batch.x).square(), torch.tensor(weights, dtype=torch.float64)
    whole = reduce_dims(squared, "sum", factors)
    parts = sum(factors[c] * reduce_dims(squared[:, [c]], "sum") for c in range(4))
    assert relative_error(whole, parts) <= 1e-14


@pytest.mark.law("LOSS-002")
def test_weights_by_standard_deviation_break_the_law():
    """One over sigma instead of one over its square leaves a channel of twice the spread twice as loud."""
    assert not law("LOSS-002").predicate(weights=(1.0, 0.5), variances=(1.0, 4.0)).passed


@pytest.mark.law("LOSS-001")
@given(seed=SEEDS)
def test_noise_of_one_sample_leaves_the_others_alone(seed):
    """Replacing one sample changes its own loss and no other."""
    case, batch, configured = gaussian_case(seed), draw_batch(seed, 4), settings_for(prediction="u")
    before = weighted(case.net, batch, configured)
    after = weighted(case.net, replace(batch, e=torch.cat([batch.e[:3], 2 * batch.e[3:]])), configured)
    assert torch.equal(before[:3], after[:3])
    assert before[3] != after[3]
