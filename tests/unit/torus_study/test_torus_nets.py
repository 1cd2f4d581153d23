"""The networks that the study of the time scale varies."""

import pytest
import torch

from neuromf.flow.jvp import exact_derivative
from neuromf.torus.net import TorusNet
from tools.studies.torus.nets import CLIPPED_AT, BoundedDerivative, TorusTransformer

SEEDS = (0, 1)


def inputs(count=16):
    generator = torch.Generator().manual_seed(0)
    z, tangent = torch.randn((2, count, 4), generator=generator).unbind(0)
    t_B = torch.rand(count, generator=generator)
    return z, t_B / 2, t_B, tangent


def sizes(net):
    """Root mean square of du/dt of each sample, and u."""
    derivative = exact_derivative(net, *inputs())
    return derivative.dudt.square().mean(dim=1).sqrt(), derivative.u


@pytest.mark.parametrize("kind", ["clipped", "normalised"])
def test_a_bounded_derivative_keeps_value_and_direction(kind):
    """Where du/dt is far above the bound, bounded it has the bound's size, its own direction and the same u."""
    net = TorusNet(SEEDS, time_scale=1e5)
    bounded = BoundedDerivative(net, kind)
    plain_size, plain_u = sizes(net)
    size, u = sizes(bounded)
    assert plain_size.min() > 2 * CLIPPED_AT
    assert size.tolist() == pytest.approx([CLIPPED_AT if kind == "clipped" else 1.0] * 16, rel=1e-4)
    assert torch.equal(u, plain_u)
    first, second = (exact_derivative(each, *inputs()).dudt for each in (net, bounded))
    assert torch.cosine_similarity(first, second).min() > 1 - 1e-5


def test_a_small_derivative_is_not_clipped():
    """At scale 1 every du/dt is below the bound and stays as it is."""
    net = TorusNet(SEEDS)
    assert sizes(net)[0].max() < CLIPPED_AT
    assert torch.equal(sizes(net)[0], sizes(BoundedDerivative(net, "clipped"))[0])


def test_without_a_derivative_nothing_is_bounded():
    """In a pass with gradient the bounded network is the network."""
    net = TorusNet(SEEDS)
    z, r_B, t_B, _ = inputs()
    assert torch.equal(net(z, r_B, t_B), BoundedDerivative(net, "clipped")(z, r_B, t_B))


def with_larger_queries(qk_norm):
    """Largest change of the output when queries and keys are 30 times as large."""
    net = TorusTransformer(SEEDS, qk_norm=qk_norm, time_scale=1.0)
    z, r_B, t_B, _ = inputs()
    before = net(z, r_B, t_B)
    with torch.no_grad():
        for layer in net.layers:
            layer["queries_keys_values"].weight[..., : 2 * net.width] *= 30
    return (net(z, r_B, t_B) - before).abs().max().item()


def test_qk_norm_makes_attention_blind_to_the_size_of_queries_and_keys():
    """With it queries 30 times as large change nothing, without it they do."""
    assert with_larger_queries(qk_norm=True) < 1e-4
    assert with_larger_queries(qk_norm=False) > 1e-2


def test_copies_of_the_transformer_do_not_see_each_other():
    """Each copy's output is that of the copy alone, and its derivative is a finite difference's."""
    both, alone = (TorusTransformer(seeds, qk_norm=True, time_scale=1.0) for seeds in (SEEDS, SEEDS[1:]))
    z, r_B, t_B, tangent = inputs()
    assert torch.allclose(both(z, r_B, t_B)[8:], alone(z[8:], r_B[8:], t_B[8:]), atol=1e-5)
    alone = alone.double()
    alone.time.precision = torch.float64  # in float32 the difference would be of rounded times
    z, r_B, t_B, tangent = (part.double() for part in (z, r_B, t_B, tangent))
    step = 1e-5
    with torch.no_grad():
        ahead, behind = (alone(z + sign * step * tangent, r_B, t_B + sign * step) for sign in (1, -1))
    expected = (ahead - behind) / (2 * step)
    assert exact_derivative(alone, z, r_B, t_B, tangent).dudt.numpy() == pytest.approx(expected.numpy(), abs=1e-6)
