"""What the network is told of r and t, and its derivative and identity for each choice (JVP-001, ID-001, OPT-002)."""

import pytest
import torch
from neuromf_spec.registry import law

from neuromf.config.schema import UnetConfig
from neuromf.flow.jvp import exact_derivative
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.path import broadcast_time
from neuromf.nets.unet import build_unet
from tests.support.law_strategies import draw_batch, randomised_unet, relative_error, settings_for

pytestmark = pytest.mark.law("JVP-001")
SHAPE = (4, 4, 4, 4)
ONE_LEVEL = UnetConfig(
    channels=(8,), attention_levels=(True,), head_channels=8, num_res_blocks=1, norm_num_groups=4, time_scale=3.0
)
CHOICES = {
    # times between which the net can tell: t moved alone, r alone, both together
    "t_and_gap": (True, True, True),
    "t_and_r": (True, True, True),
    "gap": (True, True, False),
}
EACH = pytest.mark.parametrize("told", CHOICES)
STEP = 1e-5


def net_told(told, **more):
    return randomised_unet(0, ONE_LEVEL.model_copy(update={"conditioning": told, **more})).double()


@EACH
def test_the_net_is_told_what_is_set_and_no_more(told):
    """Its output moves with the times that it is told, and the embeddings are those of these times."""
    net, batch = net_told(told), draw_batch(0, 2, fm="no", shape=SHAPE)
    r, t = 0.4 * batch.r_B, 0.5 * batch.t_B + 0.4
    with torch.no_grad():
        base = net(batch.x, r, t).prediction
        moved = [net(batch.x, r + dr, t + dt).prediction for dt, dr in ((0.05, 0.0), (0.0, 0.05), (0.05, 0.05))]
        parts = {"embed_time": t, "embed_interval": t - r, "embed_start": r}
        told_of = {name: net.get_submodule(name)(parts[name]) for name in net.told}
    assert tuple(relative_error(found, base) > 1e-9 for found in moved) == CHOICES[told]
    expected = {"t_and_gap": ["embed_time", "embed_interval"], "t_and_r": ["embed_time", "embed_start"]}
    assert list(told_of) == expected.get(told, ["embed_interval"])
    torch.testing.assert_close(net._embedding(r, t), sum(told_of.values()))


@EACH
@pytest.mark.parametrize("tangent", ["conditional", "model"])
def test_the_derivative_holds_r_fixed_whatever_the_net_is_told(told, tangent):
    """The objective's du/dt along (v, 0, 1) equals central differences in float64."""
    net, batch = net_told(told), draw_batch(1, 3, fm="no", t_min=0.2, shape=SHAPE)
    objective = meanflow_objective(net, batch, settings_for(prediction="u", tangent=tangent))
    ahead, behind = (
        net(objective.z + h * objective.tangent, batch.r_B, batch.t_B + h).prediction for h in (STEP, -STEP)
    )
    error = relative_error(objective.derivative.dudt, (ahead - behind) / (2 * STEP))
    assert law("JVP-001").predicate(error=error).passed


@pytest.mark.law("ID-001")
@EACH
def test_the_displacement_changes_by_the_compound_velocity(told):
    """Along the tangent d/dt[(t - r) u] is u + (t - r) du/dt, which the objective compares with v_c: the identity."""
    net, batch = net_told(told), draw_batch(2, 3, fm="no", t_min=0.2, shape=SHAPE)
    objective = meanflow_objective(net, batch, settings_for(prediction="u", tangent="conditional"))
    ends = []
    for h in (STEP, -STEP):
        u = net(objective.z + h * objective.tangent, batch.r_B, batch.t_B + h).prediction
        ends.append(broadcast_time(batch.t_B + h - batch.r_B, u) * u)
    compound = objective.u + objective.v_c - objective.target
    error = relative_error((ends[0] - ends[1]) / (2 * STEP), compound)
    assert law("JVP-001").predicate(error=error).passed


@pytest.mark.law("JVP-005")
@EACH
def test_the_rate_in_time_is_that_of_the_times_that_are_told(told):
    """At fixed z, du/dt is the sum of the rates through the embeddings that hold t; one that holds r alone has none."""
    net, batch = net_told(told), draw_batch(3, 2, fm="no", shape=SHAPE)
    z = batch.x
    found = exact_derivative(lambda *a: net(*a).prediction, z, batch.r_B, batch.t_B, torch.zeros_like(z)).dudt
    with torch.no_grad():
        ahead, behind = (net(z, batch.r_B, batch.t_B + h).prediction for h in (STEP, -STEP))
    assert law("JVP-001").predicate(error=relative_error(found, (ahead - behind) / (2 * STEP))).passed


@pytest.mark.law("OPT-002")
@EACH
def test_every_parameter_of_the_net_has_a_gradient(told):
    """No embedding is built that the loss does not reach, and each is among the blocks that are watched."""
    net, batch = net_told(told), draw_batch(4, 3, shape=SHAPE)
    meanflow_objective(net, batch, settings_for()).weighted_B.sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in net.parameters())
    assert [name for name in net.blocks() if name.startswith("embed")] == list(net.told)
    assert {id(p) for block in net.blocks().values() for p in block.parameters()} == {id(p) for p in net.parameters()}


def test_what_the_net_is_told_leaves_the_other_weights_as_they_were():
    """Seeds mean the same net: backbone and shared embedding are drawn alike for t and r as for t and t - r."""
    gap, start = (
        build_unet(ONE_LEVEL.model_copy(update={"conditioning": told}), v_head=False, seed=3).state_dict()
        for told in ("t_and_gap", "t_and_r")
    )
    assert all(torch.equal(value, start[name.replace("embed_interval", "embed_start")]) for name, value in gap.items())
