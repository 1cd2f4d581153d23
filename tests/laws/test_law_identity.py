"""The trainer's derivative, sampler and objective against laws ID-001, ID-002 and JVP-006, on exact fields."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.flow.jvp import exact_derivative
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.path import interpolate
from neuromf.flow.sampling import sample, step_back
from tests.support.law_strategies import (
    SEEDS,
    BilinearModule,
    bilinear_reference,
    draw_batch,
    gaussian_case,
    relative_error,
    settings_for,
)

PREDICTIONS = st.sampled_from(["u", "x"])


def column(time_B):
    return time_B.reshape(-1, 1, 1, 1, 1)


def identity(residual, size):
    return law("ID-001").predicate(residual=float((residual.norm() / size.norm()).detach()))


@pytest.mark.law("ID-001")
@given(seed=SEEDS)
def test_exact_derivative_satisfies_the_meanflow_identity(seed):
    """On Gaussian data u + (t - r) du/dt is v, with the trainer's derivative along v."""
    case, batch = gaussian_case(seed), draw_batch(seed, 3)
    z = interpolate(batch.x, batch.e, batch.t_B)
    v = torch.from_numpy(case.oracle.velocity(z.numpy(), column(batch.t_B).numpy()))
    derivative = exact_derivative(case.net.velocity, z, batch.r_B, batch.t_B, v)
    assert identity(derivative.u + column(batch.t_B - batch.r_B) * derivative.dudt - v, v).passed
    assert not identity(derivative.u - column(batch.t_B - batch.r_B) * derivative.dudt - v, v).passed


@pytest.mark.law("ID-001")
@given(seed=SEEDS, share=st.floats(0, 1))
def test_steps_compose(seed, share):
    """Moving from t to s and on to r ends where the direct move from t to r ends."""
    case, batch = gaussian_case(seed), draw_batch(seed, 3, fm="no")
    z = interpolate(batch.x, batch.e, batch.t_B)
    between = batch.r_B + share * (batch.t_B - batch.r_B)
    direct = step_back(case.net.velocity, z, batch.r_B, batch.t_B)
    halfway = step_back(case.net.velocity, z, between, batch.t_B)
    assert identity(step_back(case.net.velocity, halfway, batch.r_B, between) - direct, direct).passed


@pytest.mark.law("ID-001")
@given(seed=SEEDS, steps=st.integers(1, 6))
def test_sampling_maps_noise_to_the_data_for_any_number_of_steps(seed, steps):
    """With the exact field, noise e becomes mu + s e in one step or in many."""
    case = gaussian_case(seed)
    noise = torch.from_numpy(np.random.default_rng(seed).standard_normal((2, *case.net.mean.shape)))
    expected = case.net.mean + case.net.std * noise
    assert identity(sample(case.net.velocity, noise, steps) - expected, expected).passed


@pytest.mark.law("ID-001")
@given(seed=SEEDS, prediction=PREDICTIONS)
def test_compound_velocity_of_the_exact_field_is_the_marginal_velocity(seed, prediction):
    """With the model's tangent the exact field's loss is |v - v_c|^2 for every r, in both parametrisations."""
    case, batch = gaussian_case(seed, prediction), draw_batch(seed, 4)
    objective = meanflow_objective(case.net, batch, settings_for(prediction=prediction, tangent="model"))
    v = case.oracle.velocity(objective.z.numpy(), column(batch.t_B).numpy())
    expected = torch.from_numpy(((v - objective.v_c.numpy()) ** 2).reshape(4, -1).mean(1))
    assert identity(objective.terms["velocity"].loss_B - expected, expected).passed


@pytest.mark.law("ID-001")
@given(seed=SEEDS, prediction=PREDICTIONS)
def test_conditional_tangent_leaves_the_predicted_residual(seed, prediction):
    """With tangent v_c the exact field misses its target by -(sigma_r/sigma_t)(v_c - v), sign and size."""
    case, batch = gaussian_case(seed, prediction), draw_batch(seed, 4, fm="no")
    objective = meanflow_objective(case.net, batch, settings_for(prediction=prediction, tangent="conditional"))
    r, t = column(batch.r_B).numpy(), column(batch.t_B).numpy()
    std, v_c = case.oracle.std, objective.v_c.numpy()
    ratio = np.hypot((1 - r) * std, r) / np.hypot((1 - t) * std, t)
    expected = torch.from_numpy(-ratio * (v_c - case.oracle.velocity(objective.z.numpy(), t)))
    assert identity(objective.u - objective.target - expected, expected).passed


@pytest.mark.law("ID-002")
@given(seed=SEEDS, prediction=PREDICTIONS, loss_terms=st.sampled_from(["single", "dual"]))
def test_loss_at_r_equal_t_does_not_depend_on_the_tangent(seed, prediction, loss_terms):
    """Where r = t, conditional and model tangent, exact and finite difference give one loss; elsewhere they do not."""
    net = BilinearModule(bilinear_reference(seed, 48))
    batch = draw_batch(seed, 4)
    losses = []
    for changes in ({"tangent": "conditional"}, {"tangent": "model"}, {"jvp": "finite_difference", "fd_step": 0.1}):
        settings = settings_for(prediction=prediction, loss_terms=loss_terms, **changes)
        losses.append(meanflow_objective(net, batch, settings).terms["velocity"].loss_B.detach())
    is_fm = batch.r_B == batch.t_B
    for other in losses[1:]:
        assert law("ID-002").predicate(difference=relative_error(other[is_fm], losses[0][is_fm])).passed
        assert not law("ID-002").predicate(difference=relative_error(other[~is_fm], losses[0][~is_fm])).passed


@pytest.mark.law("JVP-006")
@given(seed=SEEDS)
def test_correction_of_the_exact_field_is_at_most_one(seed):
    """At an exact solution |(t - r) du/dt| is at most |u| + |v| for every sample."""
    case, batch = gaussian_case(seed), draw_batch(seed, 6, fm="no")
    objective = meanflow_objective(case.net, batch, settings_for(prediction="u", tangent="model"))
    moved = (column(batch.t_B - batch.r_B) * objective.derivative.dudt).flatten(1).norm(dim=1)
    size = objective.derivative.u.flatten(1).norm(dim=1) + objective.tangent.flatten(1).norm(dim=1)
    rho = float((moved / size).max())
    assert rho <= 1 + 1e-12  # the triangle inequality, and summation in float64
    assert law("JVP-006").predicate(rho=rho).passed
