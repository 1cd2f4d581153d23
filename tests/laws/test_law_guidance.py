"""Guidance inside the objective (laws GUIDE-001 and GUIDE-002): the sum that is regressed on, and what it learns."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.flow.batch import Batch
from neuromf.flow.mf_derivative import mf_derivatives
from neuromf.flow.network import NetOutput
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.path import interpolate
from neuromf.flow.settings import ObjectiveSettings

SCALES, MIXINGS = st.floats(0.2, 5), st.floats(0, 0.9)
CENTRES, SPREAD = (-1.5, 2.0), 0.7
"""Of two equally frequent classes of data on a line."""


def settings_of(scale, mixing, **others):
    return ObjectiveSettings(prediction="u", guidance_scale=scale, guidance_mixing=mixing, norm_p=0.0, **others)


def linear_net(z, r_B, t_B, y_BK):
    """A network that hears everything it is told: point, both times, and each covariate by a factor of its own."""
    told = y_BK @ torch.tensor([0.7, -1.3, 0.4], dtype=z.dtype)
    scale = (1 + r_B + 2 * t_B + told).reshape(-1, 1, 1)
    return scale * z.sin() + (told * t_B).reshape(-1, 1, 1)


def drawn_batch(seed, fm_share=0.5):
    """Eight samples, of which every third is told nothing."""
    generator = np.random.default_rng(seed)
    x, e = (torch.from_numpy(generator.standard_normal((8, 2, 3))) for _ in range(2))
    t_B = torch.from_numpy(generator.uniform(0.2, 1, 8))
    shares = torch.from_numpy(np.where(generator.random(8) < fm_share, 1.0, generator.random(8)))
    r_B = t_B * shares
    y_BK = torch.from_numpy(generator.standard_normal((8, 3)))
    y_BK[::3] = 0
    return Batch(x, e, r_B, t_B, y_BK=y_BK)


def guided_by_hand(batch, scale, mixing, low=0.0, high=1.0):
    """The regressed velocity, sample by sample in numpy."""
    x, e, t_B, y_BK = (part.numpy() for part in (batch.x, batch.e, batch.t_B, batch.y_BK))
    rows = []
    for i, t in enumerate(t_B):
        z = (1 - t) * x[i] + t * e[i]
        told, untold = (
            (1 + 3 * t + amount) * np.sin(z) + amount * t for amount in (float(y_BK[i] @ [0.7, -1.3, 0.4]), 0.0)
        )
        v_c = e[i] - x[i]
        guided = scale * v_c + mixing * told + (1 - scale - mixing) * untold
        rows.append(guided if y_BK[i].any() and low <= t <= high else v_c)
    return np.stack(rows)


def relative(found, expected):
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.law("GUIDE-001")
@given(seed=st.integers(0, 999), scale=SCALES, mixing=MIXINGS, low=st.floats(0, 0.6))
def test_the_regressed_velocity_is_the_guided_sum(seed, scale, mixing, low):
    """In every sample of which something is known and whose time is within the interval; e - x in the others."""
    batch = drawn_batch(seed)
    settings = settings_of(scale, mixing, guidance_interval=(low, 0.9))
    objective = meanflow_objective(linear_net, batch, settings)
    expected = guided_by_hand(batch, scale, mixing, low, 0.9)
    assert law("GUIDE-001").predicate(difference=relative(objective.v_c.numpy(), expected)).passed


@pytest.mark.law("GUIDE-001")
@given(seed=st.integers(0, 999), scale=SCALES, mixing=MIXINGS)
def test_every_term_is_regressed_on_the_guided_velocity(seed, scale, mixing):
    """The compound velocity, the flow term and the v-head alike."""
    batch = drawn_batch(seed)

    def net(z, r_B, t_B, y_BK):
        output = linear_net(z, r_B, t_B, y_BK)
        return NetOutput(output, 0.3 * output)

    settings = settings_of(scale, mixing, loss_terms="dual", tangent="v_head")
    objective = meanflow_objective(net, batch, settings)
    expected = torch.from_numpy(guided_by_hand(batch, scale, mixing))
    z, t_B, y_BK = objective.z, batch.t_B, batch.y_BK
    at_t = linear_net(z, t_B, t_B, y_BK)
    torch.testing.assert_close(objective.terms["flow"].squared_error, (at_t - expected).square())
    head = 0.3 * linear_net(z, batch.r_B, t_B, y_BK)
    torch.testing.assert_close(objective.terms["v_head"].squared_error, (head - expected).square())
    torch.testing.assert_close(
        objective.terms["velocity"].squared_error, (objective.u - objective.target).square(), rtol=1e-9, atol=1e-9
    )


@pytest.mark.law("GUIDE-001")
@given(seed=st.integers(0, 999), scale=SCALES, mixing=MIXINGS)
def test_the_conditional_tangent_is_guided(seed, scale, mixing):
    """The derivative is taken along the guided velocity where the tangent is that of the path."""
    batch = drawn_batch(seed, fm_share=0.0)
    known = mf_derivatives(linear_net, [batch], settings_of(scale, mixing, tangent="conditional"))[0]
    assert torch.equal(known.tangent, known.velocity[known.rows])
    expected = guided_by_hand(batch, scale, mixing)[known.rows.numpy()]
    assert law("GUIDE-001").predicate(difference=relative(known.tangent.numpy(), expected)).passed


@pytest.mark.law("GUIDE-001")
@given(seed=st.integers(0, 999))
def test_without_guidance_nothing_is_guided(seed):
    """A scale of one and no mixing: the same numbers as of a network that is not asked about its velocity."""
    batch = drawn_batch(seed)
    objective = meanflow_objective(linear_net, batch, settings_of(1.0, 0.0))
    assert torch.equal(objective.v_c, batch.e - batch.x)


@pytest.mark.law("GUIDE-001")
@given(seed=st.integers(0, 999), cut=st.integers(1, 7))
def test_a_batch_in_parts_is_guided_alike(seed, cut):
    """Derivatives of several batches are taken in one pass, each told of its own covariates."""
    batch = drawn_batch(seed)
    fields = ("x", "e", "r_B", "t_B", "y_BK")
    parts = [
        dataclasses.replace(batch, **{name: getattr(batch, name)[rows] for name in fields})
        for rows in (slice(None, cut), slice(cut, None))
    ]
    settings = settings_of(2.0, 0.3)
    whole = mf_derivatives(linear_net, [batch], settings)[0]
    both = mf_derivatives(linear_net, parts, settings)
    torch.testing.assert_close(torch.cat([part.velocity for part in both]), whole.velocity, rtol=1e-12, atol=1e-12)
    dudt = torch.cat([part.derivative.dudt for part in both])
    torch.testing.assert_close(dudt, whole.derivative.dudt, rtol=1e-9, atol=1e-9)


@pytest.mark.law("GUIDE-001")
@given(seed=st.integers(0, 999))
def test_a_derivative_is_told_of_its_own_sample(seed):
    """Of the samples that share a pass, each has the derivative of its own covariates, by hand."""
    batch = drawn_batch(seed)
    known = mf_derivatives(linear_net, [batch], settings_of(2.0, 0.3, tangent="conditional"))[0]
    rows = known.rows
    z = interpolate(batch.x, batch.e, batch.t_B)[rows]
    told = (batch.y_BK[rows] @ torch.tensor([0.7, -1.3, 0.4], dtype=z.dtype)).reshape(-1, 1, 1)
    r, t = (part[rows].reshape(-1, 1, 1) for part in (batch.r_B, batch.t_B))
    expected = 2 * z.sin() + (1 + r + 2 * t + told) * z.cos() * known.tangent + told
    torch.testing.assert_close(known.derivative.dudt, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.law("GUIDE-002")
@given(seed=st.integers(0, 999), scale=SCALES, mixing=MIXINGS)
def test_the_guided_velocity_has_no_gradient(seed, scale, mixing):
    """It is a target: the network learns towards it, and it does not move towards the network."""
    factor = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    batch = drawn_batch(seed)

    def net(z, r_B, t_B, y_BK):
        return factor * linear_net(z, r_B, t_B, y_BK)

    objective = meanflow_objective(net, batch, settings_of(scale, mixing))
    objective.weighted_B.sum().backward()
    correction = objective.v_c - objective.target
    error = objective.u + correction - objective.v_c
    expected = (2 * error * linear_net(objective.z, batch.r_B, batch.t_B, batch.y_BK)).flatten(1).mean(1).sum()
    torch.testing.assert_close(factor.grad, expected, rtol=1e-9, atol=1e-9)


def class_velocities(z, t):
    """v(z, t | class) of both classes, and the share of each at z: closed forms of a mixture of two Gaussians."""
    variance = (1 - t) ** 2 * SPREAD**2 + t**2
    slope = (t - (1 - t) * SPREAD**2) / variance
    fields = [slope * (z - (1 - t) * centre) - centre for centre in CENTRES]
    logits = torch.stack([-((z - (1 - t) * centre) ** 2) / (2 * variance) for centre in CENTRES])
    return torch.stack(fields), logits.softmax(0)


def guided_field(factor):
    """The network whose velocity at r = t is v + factor (v(class) - v), and v where no class is told."""

    def net(z, r_B, t_B, y_BK):
        fields, shares = class_velocities(z[:, 0], t_B)
        plain = (fields * shares).sum(0)
        own = (fields * y_BK.T).sum(0)
        known = y_BK.any(1)
        return torch.where(known, plain + factor * (own - plain), plain)[:, None]

    return net


def residual_errors(scale, mixing, factor):
    """Mean residual of the objective at a guided field, in standard errors, by class and moment of z."""
    generator = np.random.default_rng(7)
    count = 60_000
    label = generator.integers(0, 3, count)  # the third is told nothing, of either class
    of_class = np.where(label == 2, generator.integers(0, 2, count), label)
    x = np.array(CENTRES)[of_class] + SPREAD * generator.standard_normal(count)
    t_B = torch.from_numpy(generator.uniform(0.05, 0.95, count))
    y_BK = torch.from_numpy(np.eye(3)[label][:, :2])
    e = torch.from_numpy(generator.standard_normal((count, 1)))
    batch = Batch(torch.from_numpy(x[:, None]), e, t_B, t_B, y_BK=y_BK)
    objective = meanflow_objective(guided_field(factor), batch, settings_of(scale, mixing))
    residual, z = (objective.u - objective.v_c)[:, 0].numpy(), objective.z[:, 0].numpy()
    found = [
        values.mean() / values.std() * math.sqrt(len(values))
        for own in range(3)
        for moment in (np.ones(count), z, np.tanh(z))
        for values in [(residual * moment)[label == own]]
    ]
    return max(found, key=abs)


@pytest.mark.law("GUIDE-002")
@pytest.mark.parametrize(("scale", "mixing"), [(1.0, 0.0), (2.5, 0.0), (1.2, 0.6), (0.8, 0.5)])
def test_the_guided_field_is_the_minimum(scale, mixing):
    """At omega/(1 - kappa) the mean residual is zero at every z, with a class and without; elsewhere it is not."""
    factor = scale / (1 - mixing)
    judge = law("GUIDE-002").predicate
    assert judge(standard_errors=residual_errors(scale, mixing, factor)).passed
    assert not judge(standard_errors=residual_errors(scale, mixing, factor + 0.2)).passed


def test_guidance_without_covariates_is_refused():
    """It would train as if nobody had asked for it."""
    untold = dataclasses.replace(drawn_batch(0), y_BK=None)
    with pytest.raises(ValueError, match="guidance needs covariates"):
        meanflow_objective(lambda z, r_B, t_B: z, untold, settings_of(2.0, 0.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"guidance_scale": 0.0},
        {"guidance_scale": math.nan},
        {"guidance_mixing": 1.0},
        {"guidance_mixing": -0.1},
        {"guidance_interval": (0.5, 0.5)},
        {"guidance_interval": (0.0, 1.5)},
    ],
)
def test_guidance_that_is_none_is_refused(wrong):
    """A scale of nothing, a mixing without solution, an interval that is empty."""
    with pytest.raises(ValueError, match="guidance"):
        ObjectiveSettings(**wrong)
