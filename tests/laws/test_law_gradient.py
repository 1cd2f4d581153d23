"""The objective's gradient against laws JVP-002 and WGT-001, on a network differentiated by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.reference.bilinear import BilinearNet
from neuromf_spec.reference.weighting import weight
from neuromf_spec.registry import law

from neuromf.flow.objective import meanflow_objective
from neuromf.flow.path import interpolate
from tests.support.law_strategies import (
    SEEDS,
    BilinearModule,
    bilinear_reference,
    draw_batch,
    relative_error,
    settings_for,
)

DIMS = 48  # of a test latent


def flat(tensor):
    return tensor.detach().reshape(len(tensor), -1).numpy()


def gradient_error(module, expected):
    arrays = (expected.matrix, expected.time, expected.start, expected.product)
    actual = torch.cat([parameter.grad.flatten() for parameter in module.parameters()])
    return relative_error(actual, torch.cat([torch.from_numpy(array).flatten() for array in arrays]))


OBJECTIVES = {
    "tangent": st.sampled_from(["conditional", "model"]),
    "loss_terms": st.sampled_from(["single", "dual"]),
    "reduction": st.sampled_from(["mean", "sum"]),
    "norm_p": st.sampled_from([0.0, 0.5, 0.75, 1.0]),
    "norm_eps": st.sampled_from([1e-3, 1.0, 100.0]),
}


def expected_gradient(reference, objective, batch, changes):
    """Gradient written out from the formulas: each term's error and weight, with du/dt as a constant."""
    z, v_c, r, t = flat(objective.z), flat(objective.v_c), batch.r_B.numpy(), batch.t_B.numpy()
    tangent = v_c if changes["tangent"] == "conditional" else reference.average_velocity(z, t, t)
    terms = [(r, reference.compound_velocity(z, r, t, tangent) - v_c)]
    if changes["loss_terms"] == "dual":
        terms.append((t, reference.average_velocity(z, t, t) - v_c))
    dims = DIMS if changes["reduction"] == "mean" else 1
    gradients = []
    for start, error in terms:
        factor = weight((error**2).sum(1) / dims, changes["norm_eps"], changes["norm_p"]) / dims
        gradients.append(vars(reference.gradient(z, start, t, error, factor)))
    return BilinearNet(**{name: sum(gradient[name] for gradient in gradients) for name in gradients[0]})


@pytest.mark.law("JVP-002")
@pytest.mark.law("WGT-001")
@given(seed=SEEDS, changes=st.fixed_dictionaries(OBJECTIVES))
def test_gradient_equals_the_hand_computed_one(seed, changes):
    """On the bilinear net the objective's gradient is the hand-computed one, with du/dt and the weight as constants."""
    reference, batch = bilinear_reference(seed, DIMS), draw_batch(seed, 4)
    module, configured = BilinearModule(reference), settings_for(prediction="u", **changes)
    objective = meanflow_objective(module, batch, configured)
    objective.weighted_B.mean().backward()
    expected = expected_gradient(reference, objective, batch, changes)
    assert law("JVP-002").predicate(error=gradient_error(module, expected)).passed


@pytest.mark.law("JVP-002")
@given(seed=SEEDS)
def test_gradient_through_the_derivative_breaks_the_law(seed):
    """Without the stop-gradient on du/dt the gradient is another one, which the law rejects."""
    reference, batch = bilinear_reference(seed, DIMS), draw_batch(seed, 4, fm="no")
    module = BilinearModule(reference)
    z, v_c = interpolate(batch.x, batch.e, batch.t_B), batch.e - batch.x
    u, dudt = torch.func.jvp(
        lambda point, time: module(point, batch.r_B, time).prediction, (z, batch.t_B), (v_c, torch.ones_like(batch.t_B))
    )
    compound = u + (batch.t_B - batch.r_B).reshape(-1, 1, 1, 1, 1) * dudt
    (compound - v_c).square().flatten(1).sum(1).mean().backward()
    r, t = batch.r_B.numpy(), batch.t_B.numpy()
    error = reference.compound_velocity(flat(z), r, t, flat(v_c)) - flat(v_c)
    expected = reference.gradient(flat(z), r, t, error, np.ones(4))
    assert not law("JVP-002").predicate(error=gradient_error(module, expected)).passed
