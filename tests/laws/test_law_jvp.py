"""The trainer's derivative against laws JVP-001 and JVP-005."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.flow.jvp import exact_derivative, finite_difference
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.path import interpolate
from neuromf.nets.embedding import sinusoidal
from tests.support.law_strategies import (
    SEEDS,
    TINY_UNET,
    BilinearModule,
    bilinear_reference,
    draw_batch,
    randomised_unet,
    relative_error,
    settings_for,
)

DIMS = 48  # of a test latent
UNET_LATENT = (4, 4, 4, 4)
STEP = 1e-5  # of central differences: their error on the randomised U-Net is 2e-10 to 3e-9, measured


def flat(tensor):
    return tensor.detach().reshape(len(tensor), -1).numpy()


@pytest.mark.law("JVP-001")
@given(seed=SEEDS)
def test_derivative_equals_the_hand_computed_one(seed):
    """On the bilinear net, du/dt along any tangent is A v + b + k z + t k v."""
    reference, batch = bilinear_reference(seed, DIMS), draw_batch(seed, 3)
    net = BilinearModule(reference)
    tangent = torch.from_numpy(np.random.default_rng(seed).standard_normal(batch.x.shape))
    derivative = exact_derivative(lambda *a: net(*a).prediction, batch.x, batch.r_B, batch.t_B, tangent)
    expected = reference.time_derivative(flat(batch.x), batch.t_B.numpy(), flat(tangent))
    error = relative_error(derivative.dudt.flatten(1), torch.from_numpy(expected))
    assert law("JVP-001").predicate(error=error).passed
    assert not derivative.dudt.requires_grad


def central_difference(field, z, r_B, t_B, tangent):
    ahead, behind = (field(z + h * tangent, r_B, t_B + h) for h in (STEP, -STEP))
    return (ahead - behind) / (2 * STEP)


@pytest.mark.law("JVP-001")
@settings(max_examples=4)
@given(seed=st.integers(0, 2**16), prediction=st.sampled_from(["u", "x"]), tangent=st.sampled_from(["model", "v_head"]))
def test_derivative_of_the_unet_equals_central_differences(seed, prediction, tangent):
    """On the randomised U-Net in float64, the objective's du/dt agrees with central differences along its tangent."""
    net = randomised_unet(seed, v_head=True).double()
    batch = draw_batch(seed, 3, t_min=0.2, shape=UNET_LATENT)
    objective = meanflow_objective(net, batch, settings_for(prediction=prediction, tangent=tangent))
    rows = objective.is_mf_B
    z, r_B, t_B = objective.z[rows], batch.r_B[rows], batch.t_B[rows]

    def field(point, r, t):
        output = net(point, r, t).prediction
        return output if prediction == "u" else (point - output) / t.reshape(-1, 1, 1, 1, 1)

    with torch.no_grad():
        expected = central_difference(field, z, r_B, t_B, objective.tangent)
        still = central_difference(field, z, r_B, t_B, torch.zeros_like(z))
    assert law("JVP-001").predicate(error=relative_error(objective.derivative.dudt, expected)).passed
    assert not law("JVP-001").predicate(error=relative_error(objective.derivative.dudt, still)).passed


@pytest.mark.law("JVP-001")
@given(seed=SEEDS)
def test_forward_difference_converges_to_the_exact_derivative(seed):
    """In float64 the forward difference approaches the exact derivative in proportion to its step."""
    net, batch = BilinearModule(bilinear_reference(seed, DIMS)), draw_batch(seed, 2)

    def field(*args):
        return net(*args).prediction

    exact = exact_derivative(field, batch.x, batch.r_B, batch.t_B, batch.e)
    coarse, fine = (
        relative_error(finite_difference(field, batch.x, batch.r_B, batch.t_B, batch.e, step).dudt, exact.dudt)
        for step in (1e-2, 1e-3)
    )
    assert coarse == pytest.approx(10 * fine, rel=1e-6)  # the net is bilinear: the error is h k v, without higher terms


@pytest.mark.law("JVP-005")
@given(scale=st.floats(1e-2, 1e3), time=st.floats(0, 1), dims=st.sampled_from([2, 8, 64]))
def test_time_scale_bounds_the_embedding_derivative(scale, time, dims):
    """No component of the time embedding changes faster than its scale, which the static gate takes as the ratio."""
    t = torch.tensor([time], dtype=torch.float64)
    _, rate = torch.func.jvp(lambda at: sinusoidal(at, dims, scale), (t,), (torch.ones_like(t),))
    assert float(rate.abs().max()) <= scale * (1 + 1e-12)
    # The fastest pair of cosine and sine turns at exactly the scale.
    assert float(torch.hypot(rate[0, 0], rate[0, dims // 2])) == pytest.approx(scale, rel=1e-9)


@pytest.mark.law("JVP-005")
@pytest.mark.parametrize(("scale", "passes"), [(1.0, True), (10.0, True), (1000.0, False)])
def test_measured_ratio_of_the_unet_separates_the_scales(scale, passes):
    """On the randomised U-Net |d_t u| / |u| passes at time scale 1 and 10 and fails at the failed run's 1000."""
    net = randomised_unet(0, TINY_UNET.model_copy(update={"time_scale": scale})).double()
    batch = draw_batch(0, 3, shape=UNET_LATENT)
    z = interpolate(batch.x, batch.e, batch.t_B)
    derivative = exact_derivative(lambda *args: net(*args).prediction, z, batch.r_B, batch.t_B, torch.zeros_like(z))
    ratio = float(derivative.dudt.norm() / derivative.u.norm())
    assert law("JVP-005").predicate(measured_ratio=ratio).passed == passes
