"""The Gaussian oracle against an ODE solver, Monte Carlo and its own identities."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from neuromf_spec.laws.time_integrals import trained_loss_per_dim
from neuromf_spec.reference.gaussian import GaussianFlow, path_std
from neuromf_spec.reference.single_point import SinglePoint
from neuromf_spec.reference.time_distribution import LogitNormalPair
from neuromf_spec.registry import law
from scipy.integrate import solve_ivp

from neuromf.flow.batch import Batch
from neuromf.flow.objective import meanflow_objective
from tests.support.law_strategies import LATENT, SEEDS, draw_batch, gaussian_case, settings_for

TIMES = st.tuples(st.floats(0, 1), st.floats(0.02, 1)).map(lambda pair: (min(pair), max(pair)))


def flow_of(seed, dims=5):
    generator = np.random.default_rng(seed)
    flow = GaussianFlow(generator.normal(size=dims) * 2, np.exp(generator.normal(size=dims)))
    return flow, generator.normal(size=dims) * 3


def size_of(array):
    return 1 + np.abs(array).max()


@settings(max_examples=15)
@given(seed=SEEDS, times=TIMES)
def test_flow_and_average_velocity_match_the_ode(seed, times):
    """Integrating v with DOP853 ends where the closed-form flow says, and its displacement is (t - r) u."""
    (r, t), (flow, z) = times, flow_of(seed)
    if r == t:
        return
    solution = solve_ivp(
        lambda time, point: flow.velocity(point, time), (t, r), z, method="DOP853", rtol=1e-12, atol=1e-13
    )
    end = solution.y[:, -1]
    # DOP853 at rtol 1e-12 accumulates 5e-12 relative over these trajectories, measured.
    np.testing.assert_allclose(flow.flow(z, r, t), end, rtol=1e-9, atol=1e-9 * size_of(z))
    np.testing.assert_allclose((t - r) * flow.average_velocity(z, r, t), z - end, rtol=1e-9, atol=1e-9 * size_of(z))


@pytest.mark.law("ID-001")
@given(seed=SEEDS, times=TIMES, share=st.floats(0, 1))
def test_closed_forms_satisfy_all_identities(seed, times, share):
    """U is v at r = t, composes over intervals, satisfies the MeanFlow identity, and maps noise to data in one step."""
    (r, t), (flow, z) = times, flow_of(seed)
    s, v = r + share * (t - r), flow.velocity(z, t)
    between = z - (t - s) * flow.average_velocity(z, s, t)
    residuals = {
        "boundary": flow.average_velocity(z, t, t) - v,
        "composition": (t - r) * flow.average_velocity(z, r, t)
        - (s - r) * flow.average_velocity(between, r, s)
        - (t - s) * flow.average_velocity(z, s, t),
        "identity": flow.average_velocity(z, r, t) + (t - r) * flow.time_derivative(z, r, t, v) - v,
        "one step": z - flow.average_velocity(z, 0.0, 1.0) - flow.mean - flow.std * z,
    }
    for name, residual in residuals.items():
        assert law("ID-001").predicate(residual=np.abs(residual).max() / size_of(v)).passed, name


@given(seed=SEEDS, times=TIMES)
def test_time_derivative_matches_central_differences(seed, times):
    """d_t u + d_z u . tangent equals the central difference of u along any tangent."""
    (r, t), (flow, z) = times, flow_of(seed)
    tangent, h = np.cos(z), 1e-5
    forward, backward = (flow.average_velocity(z + step * tangent, r, t + step) for step in (h, -h))
    exact = flow.time_derivative(z, r, t, tangent)
    # Truncation h^2 u''' <= 1e-10 * (1/t)^3 <= 1.3e-5 at t = 0.02; rounding 1e-11.
    np.testing.assert_allclose((forward - backward) / (2 * h), exact, atol=2e-5 * size_of(exact))


@settings(max_examples=6)
@given(seed=SEEDS, times=st.tuples(st.floats(0, 0.5), st.floats(0.5, 1)), std=st.floats(0.2, 2))
def test_floors_match_monte_carlo(seed, times, std):
    """The exact field's loss is s^2/sigma_t^2 against v_c and s^2 sigma_r^2/sigma_t^4 with the conditional tangent."""
    (r, t), size = times, 40_000
    flow = GaussianFlow(np.array(0.7), np.array(std))
    x, e = np.random.default_rng(seed).standard_normal((2, size)) * [[std], [1]] + [[0.7], [0]]
    z, v_c = (1 - t) * x + t * e, e - x
    conditional = flow.average_velocity(z, r, t) - v_c + (t - r) * flow.time_derivative(z, r, t, v_c)
    cases = [
        (flow.velocity(z, t) - v_c, flow.flow_matching_floor(t)),
        (conditional, flow.conditional_floor(r, t)),
    ]
    for residual, floor in cases:
        # Six standard errors of the mean of a squared normal: 6 sqrt(2/40,000) = 4 %.
        assert np.mean(residual**2) == pytest.approx(float(floor), rel=0.05)


@pytest.mark.parametrize("shape", [(4, 1, 1, 1), LATENT], ids=["per channel", "per dim"])
@pytest.mark.parametrize("tangent", ["model", "conditional"])
@settings(max_examples=3)
@given(seed=SEEDS, t=st.floats(0.2, 1), share=st.floats(0, 0.9))
def test_objective_of_the_exact_field_averages_to_the_floor(shape, tangent, seed, t, share):
    """In every dim of anisotropic data the objective's squared error averages to the floor of its tangent."""
    case, size = gaussian_case(seed, shape=shape), 2000
    normal, e = torch.from_numpy(np.random.default_rng(seed).standard_normal((2, size, *LATENT)))
    t_B, r_B = torch.full((size,), t).double(), torch.full((size,), share * t).double()
    batch = Batch(case.net.mean + case.net.std * normal, e, r_B, t_B)
    term = meanflow_objective(case.net, batch, settings_for(prediction="u", tangent=tangent)).terms["velocity"]
    oracle = case.oracle
    floor = oracle.flow_matching_floor(t) if tangent == "model" else oracle.conditional_floor(share * t, t)
    # Six standard errors of the mean of a squared normal: 6 sqrt(2/2000) = 19 %; the loss averages 48 dims.
    assert np.abs(term.squared_error.numpy().mean(0) / floor - 1).max() <= 0.19
    assert float(term.loss_B.mean()) == pytest.approx(floor.mean(), rel=0.1)


@given(seed=SEEDS)
def test_torch_field_of_the_law_tests_is_the_oracle(seed):
    """The network through which the trainer is tested computes the oracle's u."""
    case, batch = gaussian_case(seed), draw_batch(seed, 3)
    column = (-1, 1, 1, 1, 1)
    r, t = batch.r_B.numpy().reshape(column), batch.t_B.numpy().reshape(column)
    expected = case.oracle.average_velocity(batch.x.numpy(), r, t)
    actual = case.net.velocity(batch.x, batch.r_B, batch.t_B).numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


@given(seed=SEEDS, times=TIMES)
def test_single_point_is_the_limit_of_no_spread(seed, times):
    """For s -> 0 the Gaussian oracle becomes the single point's, whose du/dt along its flow is zero."""
    (r, t), generator = times, np.random.default_rng(seed)
    point, z = generator.standard_normal((2, 4))
    oracle, narrow = SinglePoint(point), GaussianFlow(point, np.full(4, 1e-9))
    u = oracle.average_velocity(z, t)
    np.testing.assert_allclose(narrow.average_velocity(z, r, t), u, rtol=1e-6, atol=1e-6)  # s/t <= 5e-8
    assert np.abs(oracle.time_derivative(z, t, u)).max() == 0
    np.testing.assert_allclose(narrow.velocity(z, t), u, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("std", "single", "larger"), [(1.0, 1.7175, 1.793), (0.5, 0.923, 0.764), (0.25, 0.429, 0.269), (0.1, 0.1235, 0.054)]
)
def test_trained_loss_is_the_expected_floor(std, single, larger):
    """E[s^2/sigma_t^2] has the values found by simulation, and the static gate's integral is its case s = 1."""
    pair = LogitNormalPair(-0.4, 1.0)

    def floor(t):
        return (std / float(path_std(np.array(t), np.array(std)))) ** 2

    # Two million simulated times are off by up to 1e-3; single draws, which the trainer never sees, are a contrast.
    assert pair.mean_over_t(floor) == pytest.approx(larger, abs=1e-3)
    assert abs(pair.mean_over_t(floor) - single) > 0.05
    if std == 1.0:
        assert trained_loss_per_dim(-0.4, 1.0, 0.05, 0.0) == pytest.approx(pair.mean_over_t(floor, 0.05), rel=1e-6)
