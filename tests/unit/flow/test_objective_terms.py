"""The objective's terms one by one: which error, which weights, which samples."""

import pytest
import torch

from neuromf.flow.network import NetOutput
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.path import broadcast_time
from tests.support.law_strategies import draw_batch, in_type, settings_for

WEIGHTS = torch.tensor([1.0, 2.0, 0.5, 4.0], dtype=torch.float64)


def net(z, r_B, t_B):
    """A field with u = z t + r and a second head 3 z, so that every quantity has a closed form."""
    t, r = broadcast_time(t_B, z), broadcast_time(r_B, z)
    return NetOutput(z * t + r, 3 * z)


def derivative_of(z, t, tangent):
    """du/dt = z + t v for u = z t + r."""
    return z + t * tangent


def evaluated(batch, channel_weights=None, **changes):
    """The objective of `net`, predicting u along the conditional velocity."""
    return meanflow_objective(net, batch, settings_for(prediction="u", **changes), channel_weights)


def expected_errors(batch, tangent):
    """Errors of each term, from the formulas."""
    t, r = broadcast_time(batch.t_B, batch.x), broadcast_time(batch.r_B, batch.x)
    z, v_c = (1 - t) * batch.x + t * batch.e, batch.e - batch.x
    along = {"conditional": v_c, "v_head": 3 * z, "model": z * t + t}[tangent]
    return {
        "velocity": z * t + r + (t - r) * derivative_of(z, t, along) - v_c,
        "flow": z * t + t - v_c,
        "v_head": 3 * z - v_c,
    }


@pytest.mark.parametrize("tangent", ["conditional", "model", "v_head"])
@pytest.mark.parametrize("terms", ["single", "dual"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_each_term_is_the_reduced_squared_error_of_its_own_prediction(tangent, terms, reduction, weights):
    """Velocity, flow and second head have their closed forms, weighted by channel and reduced as configured."""
    batch = draw_batch(0, 4)
    objective = evaluated(batch, weights, tangent=tangent, loss_terms=terms, reduction=reduction)
    names = ["velocity", *(["flow"] if terms == "dual" else []), "v_head"]
    assert list(objective.terms) == names
    for name in names:
        squared = expected_errors(batch, tangent)[name].square()
        torch.testing.assert_close(objective.terms[name].squared_error, squared, rtol=1e-10, atol=1e-12)
        factors = 1 if weights is None else weights.reshape(1, 4, 1, 1, 1)
        flat = (squared * factors).flatten(1)
        loss = flat.mean(1) if reduction == "mean" else flat.sum(1)
        torch.testing.assert_close(objective.terms[name].loss_B, loss, rtol=1e-10, atol=0)


def test_the_target_is_the_velocity_less_the_correction():
    """What u is regressed on is v_c - (t - r) du/dt, and v_c alone where r = t."""
    batch = draw_batch(0, 4)
    objective = evaluated(batch, tangent="conditional")
    t, r = broadcast_time(batch.t_B, batch.x), broadcast_time(batch.r_B, batch.x)
    v_c = batch.e - batch.x
    expected = v_c - (t - r) * derivative_of(objective.z, t, v_c)
    torch.testing.assert_close(objective.target, expected, rtol=1e-12, atol=1e-14)
    assert torch.equal(objective.target[0], v_c[0])
    assert not torch.equal(objective.target[1], v_c[1])


def test_a_network_without_a_second_head_has_no_such_term():
    """One head, one term."""

    def one_head(z, r_B, t_B):
        return NetOutput(z, None)

    objective = meanflow_objective(one_head, draw_batch(0, 2), settings_for(prediction="u"))
    assert list(objective.terms) == ["velocity"]


def test_a_tangent_of_a_missing_head_is_an_error():
    """Tangent v_head needs a second head, and says so."""

    def one_head(z, r_B, t_B):
        return NetOutput(z, None)

    with pytest.raises(ValueError, match="tangent v_head needs a network with a v-head"):
        meanflow_objective(one_head, draw_batch(0, 2), settings_for(tangent="v_head"))


def test_a_batch_of_fm_samples_alone_has_an_empty_derivative():
    """Without MF samples there is nothing to differentiate, and the records of it are empty and shaped alike."""
    objective = evaluated(draw_batch(0, 3, fm="all"))
    for tensor in (objective.derivative.u, objective.derivative.dudt, objective.tangent):
        assert tensor.shape == (0, 4, 2, 3, 2)


@pytest.mark.parametrize("prediction", ["u", "x"])
def test_a_network_in_bf16_is_compared_in_float32(prediction):
    """Outputs in bf16 are widened before they meet the target, so that losses and records are float32."""
    batch = draw_batch(0, 4)
    batch = in_type(batch, torch.float32)

    def narrow(z, r_B, t_B):
        return NetOutput(*(value.bfloat16() for value in net(z, r_B, t_B)))

    configured = settings_for(prediction=prediction, loss_terms="dual", tangent="v_head")
    objective = meanflow_objective(narrow, batch, configured)
    assert {term.loss_B.dtype for term in objective.terms.values()} == {torch.float32}
    assert {t.dtype for t in (objective.u, objective.derivative.u, objective.derivative.dudt, objective.tangent)} == {
        torch.float32
    }
    # With x-prediction u = (z - x)/t: z is not rounded, so that u keeps more than bf16's 8 bits.
    assert torch.equal(objective.u, objective.u.bfloat16().float()) == (prediction == "u")


def test_nothing_but_the_terms_carries_a_gradient():
    """The records of an objective are detached; its losses are not."""
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)

    def trained(z, r_B, t_B):
        return NetOutput(scale * net(z, r_B, t_B).prediction, scale * z)

    objective = meanflow_objective(trained, draw_batch(0, 4), settings_for(prediction="u", loss_terms="dual"))
    records = (objective.u, objective.target, objective.tangent, objective.derivative.u, objective.derivative.dudt)
    assert not any(tensor.requires_grad for tensor in records)
    assert not any(term.squared_error.requires_grad for term in objective.terms.values())
    assert all(term.loss_B.requires_grad for term in objective.terms.values())
