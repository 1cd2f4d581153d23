"""The trainer's parametrisations against laws PRED-001 and PRED-002."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from neuromf_spec.reference.initial_loss import zero_predictor
from neuromf_spec.registry import law
from torch import nn

from neuromf.flow.network import NetOutput
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.prediction import average_velocity
from neuromf.nets.unet import build_unet
from tests.support.law_strategies import LATENT, SEEDS, TINY_UNET, draw_batch, in_type, relative_error, settings_for

PREDICTIONS = st.sampled_from(["u", "x"])
TANGENTS = st.sampled_from(["conditional", "model", "v_head"])


@pytest.mark.law("PRED-001")
@given(seed=SEEDS, t_min=st.floats(0.01, 0.5))
def test_both_parametrisations_of_a_field_give_one_velocity(seed, t_min):
    """Predicting x = z - t u gives the same u as predicting u itself, for every t from t_min to 1."""
    generator = np.random.default_rng(seed)
    z, u = torch.from_numpy(generator.standard_normal((2, 5, *LATENT)))
    t = torch.from_numpy(generator.uniform(t_min, 1.0, 5))
    x = z - t.reshape(-1, 1, 1, 1, 1) * u
    through_x = average_velocity(x, z, t, "x", t_min)
    assert torch.equal(average_velocity(u, z, t, "u", t_min), u)
    assert law("PRED-001").predicate(difference=relative_error(through_x, u)).passed


@pytest.mark.law("PRED-001")
@given(seed=SEEDS, t_min=st.floats(0.01, 0.5))
def test_velocity_is_continuous_at_t_min(seed, t_min):
    """Just below and just above t_min the same prediction gives the same u, and below it 1/t stays at 1/t_min."""
    z, x = torch.from_numpy(np.random.default_rng(seed).standard_normal((2, 1, *LATENT)))
    below, above, far = (
        average_velocity(x, z, torch.tensor([t_min * factor], dtype=torch.float64), "x", t_min)
        for factor in (1 - 1e-10, 1 + 1e-10, 0.1)
    )
    # The two times differ by 2e-10 relative, and so may the velocities.
    assert law("PRED-001").predicate(difference=relative_error(below, above)).passed
    assert torch.equal(far, below)
    assert not law("PRED-001").predicate(difference=relative_error((z - x) / (0.1 * t_min), far)).passed


class ZeroNet(nn.Module):
    """Output zero with a gradient, and a zero v-head."""

    def forward(self, z, r_B, t_B):
        """Zero times the point, so that derivatives exist."""
        return NetOutput(0 * z, 0 * z)


def judge(objective, batch, configured):
    r, t = batch.r_B.double().numpy(), batch.t_B.double().numpy()
    closed = zero_predictor(r, t, configured.prediction, configured.tangent, configured.t_min)
    expected = float(closed.loss(batch.x.double().numpy(), batch.e.double().numpy()).mean())
    measured = float(objective.terms["velocity"].loss_B.detach().double().mean())
    return law("PRED-002").predicate(measured=measured, expected=expected)


@pytest.mark.law("PRED-002")
@given(seed=SEEDS, prediction=PREDICTIONS, tangent=TANGENTS, t_min=st.floats(0.01, 0.5), floor=st.floats(0.01, 0.5))
def test_loss_of_a_zero_output_is_its_closed_form(seed, prediction, tangent, t_min, floor):
    """For every parametrisation and tangent, also where times fall below the clamp, the raw loss is the closed form."""
    batch = draw_batch(seed, 6, t_min=floor)
    batch.r_B[0], batch.t_B[0] = 0.5 * t_min, t_min  # where the sampler's floor puts times
    configured = settings_for(prediction=prediction, tangent=tangent, t_min=t_min)
    assert judge(meanflow_objective(ZeroNet(), batch, configured), batch, configured).passed


@pytest.mark.law("PRED-002")
@settings(max_examples=8)
@given(seed=st.integers(0, 2**16), prediction=PREDICTIONS, tangent=TANGENTS)
def test_loss_of_the_initial_unet_is_its_closed_form(seed, prediction, tangent):
    """The U-Net as it is built, in float32, starts at the closed form; a summed loss does not."""
    net = build_unet(TINY_UNET, v_head=tangent == "v_head", seed=seed)
    batch = in_type(draw_batch(seed, 4, shape=(4, 4, 4, 4)), torch.float32)
    configured = settings_for(prediction=prediction, tangent=tangent)
    assert judge(meanflow_objective(net, batch, configured), batch, configured).passed
    summed = settings_for(prediction=prediction, tangent=tangent, reduction="sum")
    assert not judge(meanflow_objective(net, batch, summed), batch, summed).passed
