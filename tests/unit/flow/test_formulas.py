"""Single facts of the formulas that a distribution or a gradient would not show."""

import numpy as np
import pytest
import torch

from neuromf.flow.jvp import finite_difference
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.sampling import time_grid
from neuromf.flow.settings import TimeSettings
from neuromf.flow.times import draw_times, fm_mask
from tests.support.law_strategies import draw_batch, gaussian_case, settings_for


def test_a_larger_normal_draw_is_a_later_time():
    """The time of a draw n is the logistic function of mu + sigma n, so that 1 and 2 become sigmoid(0.6) and (1.6)."""
    normals, uniforms = np.array([[2.0, 1.0]]), np.zeros((1, 3))
    pairs = draw_times(normals, uniforms, np.array([False]), TimeSettings(uniform_fraction=0.0))
    assert pairs.t_B[0] == pytest.approx(1 / (1 + np.exp(-1.6)), rel=1e-15)
    assert pairs.r_B[0] == pytest.approx(1 / (1 + np.exp(-0.6)), rel=1e-15)


def test_a_second_time_has_its_own_mean_and_deviation():
    """The second draw n is sigmoid(r_mu + r_sigma n), or with one of the two that of the first; t is the larger."""
    normals, uniforms = np.array([[2.0, 1.0]]), np.zeros((1, 3))
    for given, logit in (({"r_mu": 3.0, "r_sigma": 0.5}, 3.5), ({"r_mu": 3.0}, 4.0), ({"r_sigma": 0.5}, 0.1)):
        settings = TimeSettings(uniform_fraction=0.0, **given)
        pairs = draw_times(normals, uniforms, np.array([False]), settings)
        expected = sorted(1 / (1 + np.exp([-1.6, -logit])))
        assert [pairs.r_B[0], pairs.t_B[0]] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("fraction", "draw", "uniform"), [(0.0, 0.0, False), (0.5, 0.5, False), (0.5, 0.4999, True)])
def test_the_uniform_slice_is_half_open(fraction, draw, uniform):
    """A pair is uniform where its draw is below uniform_fraction; a fraction of 0 leaves none, whatever is drawn."""
    config = TimeSettings(uniform_fraction=fraction)
    pairs = draw_times(np.zeros((1, 2)), np.array([[draw, 0.2, 0.9]]), np.array([False]), config)
    assert (pairs.t_B[0] == 0.9) == uniform


def test_a_share_is_a_fraction_of_at_most_a_million():
    """A share of 1 in 1,000,001 is taken for 1 in a million, whose first FM sample is number 999,999."""
    assert fm_mask(999_999, 1, 1 / 1_000_001).tolist() == [True]
    assert not fm_mask(0, 999_999, 1 / 1_000_001).any()


@pytest.mark.parametrize(("steps", "t_min"), [(21, 0.05), (100, 0.05), (5, 0.3)])
def test_the_last_evaluation_is_at_t_min_and_the_steps_before_it_are_equal(steps, t_min):
    """Where equal steps would end below t_min, all but the last are equal and end exactly there."""
    grid = time_grid(steps, t_min)
    assert grid[-2] == pytest.approx(t_min, rel=1e-12)
    lengths = np.diff(grid[:-1])
    assert lengths == pytest.approx(np.full(steps - 1, -(1 - t_min) / (steps - 1)), rel=1e-9)


@pytest.mark.parametrize("terms", ["single", "dual"])
@pytest.mark.parametrize("norm_p", [0.5, 1.0])
def test_the_objective_is_the_sum_of_the_terms_potentials(terms, norm_p):
    """One number a sample: for p = 1 the sum over terms of log(1 + L/c), else of 2 (sqrt(L + c) - sqrt(c))."""
    batch, configured = draw_batch(0, 3), settings_for(loss_terms=terms, norm_p=norm_p, norm_eps=0.5)
    objective = meanflow_objective(gaussian_case(0, "x").net, batch, configured)
    losses = [term.loss_B.detach() for term in objective.terms.values()]
    parts = [torch.log(1 + loss / 0.5) if norm_p == 1 else 2 * ((loss + 0.5).sqrt() - 0.5**0.5) for loss in losses]
    assert len(parts) == {"single": 1, "dual": 2}[terms]
    assert objective.potential_B.shape == (3,)
    torch.testing.assert_close(objective.potential_B, sum(parts), rtol=1e-12, atol=0)


def test_a_finite_difference_returns_the_value_at_the_point():
    """The derivative comes with u itself, not with the value one step ahead."""
    batch = draw_batch(0, 2)

    def field(z, r_B, t_B):
        return z.sin()

    result = finite_difference(field, batch.x, batch.r_B, batch.t_B, batch.e, 1e-3)
    assert torch.equal(result.u, batch.x.sin())
