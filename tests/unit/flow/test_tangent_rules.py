"""Forward-mode rules against the derivatives that torch takes by itself, in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.networks.blocks.spatialattention import SpatialAttentionBlock
from torch import nn
from torch.autograd import forward_ad
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from neuromf.flow.jvp import exact_derivative
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.tangent_rules import RULES, TangentRules
from tests.support.law_strategies import SEEDS, draw_batch, randomised_unet, relative_error, settings_for
from tools.performance.plain import plain_objective


class Function(nn.Module):
    """A module of a function, which has no parameters."""

    def __init__(self, function):
        super().__init__()
        self.forward = function


# Operators of at most 200 float64 terms each: the sums differ by their order, 1e-16 times a few tens.
TOLERANCE = 1e-13
FIELDS = {
    torch.conv1d: lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1),
    torch.conv2d: lambda: nn.Conv2d(4, 6, 3, padding="same", dilation=2),
    torch.conv3d: lambda: nn.Conv3d(4, 6, 3, groups=2, bias=False),
    functional.linear: lambda: nn.Linear(4, 6),
    functional.group_norm: lambda: nn.GroupNorm(2, 4, eps=1e-6),
    functional.silu: nn.SiLU,
    torch.mul: lambda: Function(lambda x: torch.mul(x, -1.7)),
    torch.Tensor.mul: lambda: Function(lambda x: 0.3 * x * torch.arange(3.0, dtype=x.dtype)),
}
SHAPES = {torch.conv1d: (2, 4, 9), torch.conv2d: (2, 4, 7, 6), functional.linear: (2, 3, 4)}
POINT_SHAPE = (2, 4, 5, 4, 3)


def randomised(module, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return module.double()


def by_rule(field, point, tangent):
    with torch.no_grad(), TangentRules(), forward_ad.dual_level():
        result = forward_ad.unpack_dual(field(forward_ad.make_dual(point, tangent)))
        return result.primal.clone(), result.tangent


def gradient(net):
    """Of all parameters in one vector, for some have gradient zero and the error of that is relative to nothing."""
    return torch.cat([parameter.grad.flatten() for parameter in net.parameters()])


def draw(seed, shape):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))


@pytest.mark.law("JVP-001")
@pytest.mark.parametrize("operator", RULES, ids=lambda operator: operator.__name__)
@settings(max_examples=5)
@given(seed=SEEDS)
def test_a_rule_is_the_derivative_that_torch_takes(operator, seed):
    """Value and tangent of every operator with a rule are those of `torch.func.jvp`."""
    field = randomised(FIELDS[operator](), seed)
    point, tangent = draw(seed, SHAPES.get(operator, POINT_SHAPE))
    expected = torch.func.jvp(lambda x: field(x.clone()), (point,), (tangent,))
    for actual, reference in zip(by_rule(lambda x: field(x.clone()), point, tangent), expected, strict=True):
        assert relative_error(actual, reference) < TOLERANCE


def test_a_strange_memory_layout_changes_nothing():
    """A transposed input and tangent give the derivative of contiguous ones."""
    field = randomised(nn.GroupNorm(2, 4), 0)
    point, tangent = (tensor.transpose(2, 4) for tensor in draw(0, POINT_SHAPE))
    expected = torch.func.jvp(field, (point,), (tangent,))[1]
    assert relative_error(by_rule(field, point, tangent)[1], expected) < TOLERANCE


@pytest.mark.law("JVP-001")
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("operator", [functional.linear, torch.conv1d])
def test_weights_that_move_are_differentiated_too(operator, named):
    """An operator whose weight depends on the time keeps the product rule, however the weight is given."""
    weight, speed = draw(1, (4, 4) if operator is functional.linear else (4, 4, 1))
    point, tangent = draw(2, (4, 4) if operator is functional.linear else (2, 4, 5))

    def field(x, time):
        moving = weight + time * speed
        return operator(x, weight=moving) if named else operator(x, moving)

    time, one = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
    expected = torch.func.jvp(field, (point, time), (tangent, one))[1]
    with torch.no_grad(), TangentRules(), forward_ad.dual_level():
        moving = forward_ad.make_dual(time, one)
        actual = forward_ad.unpack_dual(field(forward_ad.make_dual(point, tangent), moving)).tangent
    assert relative_error(actual, expected) < TOLERANCE


@pytest.mark.parametrize("operator", RULES, ids=lambda operator: operator.__name__)
def test_an_input_without_tangent_has_an_output_without(operator):
    """What does not depend on the point adds nothing to the derivative."""
    field = randomised(FIELDS[operator](), 0)
    point, tangent = draw(0, SHAPES.get(operator, POINT_SHAPE))
    with torch.no_grad(), TangentRules(), forward_ad.dual_level():
        forward_ad.make_dual(point, tangent)
        assert forward_ad.unpack_dual(field(point.clone())).tangent is None


def in_place(x):
    """SiLU in place, its result and its input written to afterwards: they are one tensor."""
    held = x.clone()
    result = functional.silu(held, inplace=True)
    result.mul_(3)
    held.add_(x)
    return result + held


FREE_FORMS = {
    "in place": in_place,
    "factor by name": lambda x: torch.mul(x, other=1.5) + x.mul(other=0.5),
    "into a given tensor": lambda x: torch.mul(x.detach(), 2.0, out=torch.empty_like(x.detach())) * x,
    "twice the same": lambda x: torch.mul(x, x),
    "larger factor": lambda x: x[:1] * torch.arange(2.0, dtype=x.dtype).reshape(2, 1, 1, 1, 1),
    "nothing by name": lambda x: functional.group_norm(input=x, num_groups=2),
}


@pytest.mark.law("JVP-001")
@pytest.mark.parametrize("form", FREE_FORMS)
def test_however_an_operator_is_called_its_derivative_is_right(form):
    """Arguments by name, in place, twice the same, broadcast: the derivative is torch's."""
    point, tangent = draw(0, POINT_SHAPE)
    expected = torch.func.jvp(FREE_FORMS[form], (point,), (tangent,))
    for actual, reference in zip(by_rule(FREE_FORMS[form], point, tangent), expected, strict=True):
        assert relative_error(actual, reference) < TOLERANCE


def test_an_empty_batch_has_an_empty_derivative():
    """No sample, no sum over none."""
    point = torch.zeros(0, 4, 3, 3, 3, dtype=torch.float64)
    value, tangent = by_rule(lambda x: functional.group_norm(x, 2), point, point)
    assert value.shape == tangent.shape == point.shape


def test_in_grad_mode_the_rules_stand_aside():
    """A derivative that is differentiated again keeps the graph that torch builds."""
    field = randomised(nn.GroupNorm(2, 4), 0)
    point, tangent = draw(0, POINT_SHAPE)
    with TangentRules(), forward_ad.dual_level():
        moved = forward_ad.unpack_dual(field(forward_ad.make_dual(point, tangent))).tangent
        moved.square().sum().backward()
    assert field.weight.grad.abs().sum() > 0


def test_attention_adds_no_tangents_of_zeros():
    """A product with a number goes by the rule of this project: torch's own asks Python for the shape of zeros."""
    block = SpatialAttentionBlock(3, 8, norm_num_groups=2, num_head_channels=4).requires_grad_(False)
    point, tangent = (tensor.float() for tensor in draw(0, (2, 8, 3, 3, 3)))
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        by_rule(block, point, tangent)
    called = {event.key for event in profiled.key_averages()}
    assert "aten::softmax" in called
    assert not any(name.startswith("prims::") for name in called)


def test_a_field_that_stands_still_has_derivative_zero():
    """A field that depends on neither z nor t has du/dt = 0."""
    z, tangent = draw(0, POINT_SHAPE)
    still = exact_derivative(lambda *_: torch.ones_like(z), z, *draw(0, (2,)), tangent)
    assert torch.equal(still.dudt, torch.zeros_like(z))


def test_outside_a_derivative_the_rules_change_no_value():
    """Under the rules the network evaluates to the same bits."""
    net, batch = randomised_unet(0, v_head=True), draw_batch(0, 2, shape=(4, 4, 4, 4))
    arguments = [getattr(batch, name).float() for name in ("x", "r_B", "t_B")]
    with torch.no_grad():
        plain = net(*arguments)
        with TangentRules():
            ruled = net(*arguments)
    assert torch.equal(plain.prediction, ruled.prediction)
    assert torch.equal(plain.v_head, ruled.v_head)


@pytest.mark.law("JVP-002")
@settings(max_examples=6)
@given(
    seed=st.integers(0, 2**16),
    prediction=st.sampled_from(["u", "x"]),
    tangent=st.sampled_from(["conditional", "model"]),
    reduction=st.sampled_from(["mean", "sum"]),
    checkpointing=st.sampled_from(["none", "non_reentrant"]),
)
def test_v_and_gradients_equal_the_plain_full_graph_formulation(seed, prediction, tangent, reduction, checkpointing):
    """One derivative of the whole batch with its graph gives the same V and the same gradients, to 1e-12."""
    configured = settings_for(prediction=prediction, tangent=tangent, reduction=reduction)
    net = randomised_unet(seed).double()
    batch = draw_batch(seed, 4, t_min=0.2, shape=(4, 4, 4, 4))
    plain = plain_objective(net, batch, configured)
    plain.weighted_B.sum().backward()
    expected = gradient(net)
    net.zero_grad(set_to_none=True)
    net.checkpointing = checkpointing

    own = meanflow_objective(net, batch, configured)
    own.weighted_B.sum().backward()

    compound = own.v_c + own.u - own.target
    assert relative_error(compound, plain.compound) < 1e-12
    assert relative_error(gradient(net), expected) < 1e-12
