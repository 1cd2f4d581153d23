"""The central difference against law JVP-001: its order, its borders, and that the objective takes it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from neuromf_spec.reference.mixture import MixtureFlow
from neuromf_spec.registry import law

from neuromf.flow.jvp import central_difference, exact_derivative, finite_difference, total_derivative
from neuromf.flow.objective import meanflow_objective
from tests.support.law_strategies import (
    SEEDS,
    BilinearModule,
    bilinear_reference,
    draw_batch,
    gaussian_case,
    relative_error,
    settings_for,
)

pytestmark = pytest.mark.law("JVP-001")
DIMS = 48
TWO_POINTS = MixtureFlow(np.array([0.3, 0.7]), np.array([[-1.0, 0.5], [1.5, 0.0]]), np.array([0.5, 0.8]))
H = 1e-2


def bilinear(seed):
    net = BilinearModule(bilinear_reference(seed, DIMS))
    return lambda *arguments: net(*arguments).prediction


def mixture(z, r_B, t_B):
    """The average velocity of a mixture of two Gaussians, which bends in every argument."""
    found = [TWO_POINTS.average_velocity(*(a.numpy() for a in point)) for point in zip(z, r_B, t_B, strict=True)]
    return torch.from_numpy(np.stack(found))


def mixture_points():
    """Points, times and marginal velocities, away from every border, and du/dt by the identity (v - u)/(t - r)."""
    generator = np.random.default_rng(0)
    t = torch.tensor([0.35, 0.6, 0.9], dtype=torch.float64)
    r = torch.tensor([0.1, 0.2, 0.5], dtype=torch.float64)
    z = torch.from_numpy(generator.standard_normal((3, 2)))
    v = torch.from_numpy(TWO_POINTS.velocity(z.numpy(), t[:, None].numpy()))
    return (z, r, t, v), (v - mixture(z, r, t)) / (t - r)[:, None]


@given(seed=SEEDS)
def test_on_a_field_that_is_bilinear_the_central_difference_is_exact(seed):
    """Along a line the bilinear net is a parabola, of which the central difference is the derivative at any step."""
    field, batch = bilinear(seed), draw_batch(seed, 3, fm="no", t_min=0.3)
    inside = 0.2 + 0.6 * batch.t_B
    exact = exact_derivative(field, batch.x, 0.2 * batch.r_B, inside, batch.e)
    found = central_difference(field, batch.x, 0.2 * batch.r_B, inside, batch.e, 0.1)
    assert law("JVP-001").predicate(error=relative_error(found.dudt, exact.dudt)).passed


def test_the_error_falls_with_the_square_of_the_step():
    """On a mixture, a step ten times smaller divides the central difference's error by 100, the forward one's by 10."""
    point, exact = mixture_points()
    for difference, order in ((central_difference, 2), (finite_difference, 1)):
        coarse, fine = (relative_error(difference(mixture, *point, step).dudt, exact) for step in (H, H / 10))
        assert coarse / fine == pytest.approx(10**order, rel=0.05)


def test_u_is_interpolated_to_the_second_order():
    """The value that comes with a central difference is that at the point, up to the square of the step."""
    point, _ = mixture_points()
    u = mixture(*point[:3])
    coarse, fine = (relative_error(central_difference(mixture, *point, step).u, u) for step in (H, H / 10))
    assert coarse / fine == pytest.approx(100, rel=0.05)
    assert fine <= 1e-5


T_MIN = 0.05
BORDERS = {
    "inside": (0.2, 0.5, 0.49, 0.51),
    "at noise": (0.2, 1.0, 0.99, 1.0),
    "near noise": (0.2, 0.996, 0.986, 1.0),
    "near r": (0.497, 0.5, 0.497, 0.51),
    "near t_min": (0.0, 0.053, 0.05, 0.063),
    "at t_min": (0.0, 0.05, 0.05, 0.06),
    "below t_min": (0.0, 0.02, 0.02, 0.03),
    "between r and noise": (0.997, 0.999, 0.997, 1.0),
}
"""r, t, and where the field is evaluated at step 0.01."""


@pytest.mark.parametrize("place", BORDERS)
def test_no_evaluation_is_beyond_a_border(place):
    """Every evaluation has max(r, t_min) <= t <= 1, on the line through the point; arms are cut, not moved."""
    r, t, *expected = BORDERS[place]
    asked = []

    def field(z, r_B, t_B):
        asked.append((float(z), float(r_B), float(t_B)))
        return z

    z, r_B, t_B, v = (torch.tensor([value], dtype=torch.float64) for value in (3.0, r, t, -2.0))
    found = central_difference(field, z, r_B, t_B, v, H, T_MIN)
    times = sorted(time for _, _, time in asked)
    assert times == pytest.approx(expected, abs=1e-15)
    assert [point for point, _, _ in asked] == pytest.approx([3.0 - 2.0 * (time - t) for _, _, time in asked])
    assert {start for _, start, _ in asked} == {r}
    # The field is z itself: its derivative along the line is v, its value 3, wherever the arms end.
    assert (float(found.dudt), float(found.u)) == pytest.approx((-2.0, 3.0))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gap", [0.1, 0.5])
def test_beside_r_the_correction_keeps_the_second_order(seed, gap):
    """With t - r below the step, (t - r) du/dt errs with the square of the step, though du/dt does with the step."""
    case, batch = gaussian_case(seed), draw_batch(seed, 3, fm="no", t_min=0.2)
    t = 0.8 * batch.t_B

    def error(step):
        r = t - gap * step
        exact = exact_derivative(case.net.velocity, batch.x, r, t, batch.e).dudt
        found = central_difference(case.net.velocity, batch.x, r, t, batch.e, step).dudt
        return gap * step * float((found - exact).norm())

    assert error(1e-4) == pytest.approx(error(1e-3) / 100, rel=0.1)


@pytest.mark.parametrize(("scheme", "function"), [("central", central_difference), ("forward", finite_difference)])
def test_the_objective_takes_the_scheme_that_is_set(scheme, function):
    """The objective's du/dt is that of the scheme, along its own tangent, with the objective's clamp."""
    net, batch = BilinearModule(bilinear_reference(0, DIMS)), draw_batch(0, 4, fm="no", t_min=0.01)
    settings = settings_for(
        jvp="finite_difference", fd_step=0.2, fd_scheme=scheme, prediction="x", tangent="conditional", t_min=0.3
    )
    objective = meanflow_objective(net, batch, settings)

    def field(z, r_B, t_B):
        return (z - net(z, r_B, t_B).prediction) / t_B.clamp(min=0.3).reshape(-1, 1, 1, 1, 1)

    arguments = (objective.z, batch.r_B, batch.t_B, batch.e - batch.x)
    clamp = (0.3,) if scheme == "central" else ()
    expected = function(field, *arguments, 0.2, *clamp)
    assert relative_error(objective.derivative.dudt, expected.dudt) <= 1e-12
    assert torch.equal(total_derivative(field, *arguments, settings).dudt, expected.dudt)
