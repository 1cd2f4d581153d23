"""What is called float32 is as right as float32: values against float64, for a label may lie (law PREC-001)."""

import itertools
import math
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn

from neuromf.data.statistics import ChannelStatistics, channel_moments, pool_moments
from neuromf.flow import mf_derivative as derivative_module
from neuromf.flow.jvp import exact_derivative, finite_difference
from neuromf.flow.network import velocity_field
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.path import conditional_velocity, interpolate
from neuromf.flow.prediction import average_velocity
from neuromf.flow.sampling import sample, step_back
from neuromf.flow.weighting import adaptive_weight, potential, reduce_dims, weigh, weighted_loss
from neuromf.monitor.moments import batch_moments
from neuromf.nets.embedding import TimeEmbedding, sinusoidal
from neuromf.nets.vae import LatentCodec
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae
from neuromf.training.batches.randomness import Purpose, generator
from neuromf.training.records.previews import draw_latents
from neuromf.training.step.ema import Ema
from neuromf.training.step.metrics import measure
from neuromf.training.step.optimiser import norms_of, root_mean_square
from tests.support.law_strategies import draw_batch, in_type, randomised_unet, settings_for
from tests.support.replayed_net import NothingNarrow, Recorder, tensors_of, wide, wide_derivative, worst
from tests.support.wiring.parts import CPU, FIRST

pytestmark = pytest.mark.law("PREC-001")
SHAPE = (4, 4, 4, 4)
FLOAT32 = 2e-6
"""Relative to the largest number: thirty roundings of 6e-8; measured 5e-7 at most. One rounding to bf16 is 4e-3."""
THROUGH_NET = 2e-5
"""Of what passes a network of twenty layers in float32: measured 3e-6; of bf16 4e-3 to 2e-2."""
FLOAT64 = 1e-12
CHOICES = list(itertools.product(["conditional", "model", "v_head"], ["single", "dual"], ["mean", "sum"], ["u", "x"]))


def narrow():
    """As a training in bf16 computes."""
    return torch.autocast("cpu", torch.bfloat16, cache_enabled=False)


def batch_of():
    return in_type(draw_batch(0, 4, fm="some", t_min=0.2, shape=SHAPE), torch.float32)


@pytest.mark.parametrize(("tangent", "terms", "reduction", "prediction"), CHOICES)
def test_all_that_is_made_of_a_bf16_networks_outputs_is_right_to_float32(tangent, terms, reduction, prediction):
    """Every tensor of an objective under autocast is that of float64 from the same outputs of the network."""
    settings = settings_for(tangent=tangent, loss_terms=terms, reduction=reduction, prediction=prediction, norm_p=0.5)
    net = Recorder(randomised_unet(0, v_head=tangent == "v_head"))
    inside = randomised_unet(0, v_head=tangent == "v_head")
    with narrow():
        found = meanflow_objective(net, batch_of(), settings, derivative_net=inside)
    given = (found.tangent.double(), wide_derivative(found.derivative))
    batch, again = wide(batch_of()), net.again()
    with mock.patch.object(derivative_module, "differentiate", return_value=given), NothingNarrow():
        expected = meanflow_objective(again, batch, settings, derivative_net=inside)
    compared = dict(tensors_of(expected))
    assert len(compared) >= 12
    errors = {name: worst(value, compared[name]) for name, value in tensors_of(found)}
    assert {name: error for name, error in errors.items() if not error <= FLOAT32} == {}
    recorded = measure(expected, batch, settings)
    for name, value in measure(found, batch_of(), settings).items():
        assert worst(value, recorded[name]) <= FLOAT32, name


@pytest.mark.parametrize("tangent", ["conditional", "model", "v_head"])
def test_tangent_and_derivative_under_autocast_are_those_of_float64(tangent):
    """What is evaluated without gradient under bf16 has the values of a float64 network, to float32."""
    found, expected = [], []
    for dtype, kept, context in ((torch.float32, found, narrow), (torch.float64, expected, NothingNarrow)):
        net, batch = randomised_unet(0, v_head=tangent == "v_head").to(dtype), in_type(batch_of(), dtype)
        with context():
            made = meanflow_objective(net, batch, settings_for(tangent=tangent))
        kept += [made.tangent, made.derivative.u, made.derivative.dudt]
    assert [error for pair in zip(found, expected, strict=True) if not (error := worst(*pair)) <= THROUGH_NET] == []


def test_samples_of_a_run_in_bf16_are_made_in_float32():
    """Whatever a run's precision, its network is evaluated in float32, and two steps are taken as written by hand."""
    training = FIRST.training.model_copy(update={"precision": "bf16"})
    net, times = Recorder(randomised_unet(0)), (1.0, 0.5)
    config = FIRST.model_copy(update={"training": training})
    found = draw_latents(net, config, SHAPE, steps=2, count=1, seed=7, device=CPU)
    z = torch.from_numpy(generator(7, Purpose.SAMPLING, 0, 0).standard_normal(SHAPE, dtype=np.float32))[None].double()
    double = randomised_unet(0).double()
    for t, output in zip(times, net.outputs, strict=True):
        evaluated = double(z, torch.tensor([t - 0.5]).double(), torch.tensor([t]).double()).prediction
        assert worst(output.prediction, evaluated) <= THROUGH_NET
        z = z - 0.5 * (z - output.prediction.double()) / t
    assert worst(found, z) <= FLOAT32


def _numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


X, E, LOSS, TIME = _numbers(0, 3, *SHAPE), _numbers(1, 3, *SHAPE), _numbers(2, 5) ** 2, np.array([0.1, 0.5, 0.9])
STATISTICS = ChannelStatistics((0.3, 0.1, -0.4, 5.0), (1.1, 0.2, 3.0, 0.01))


def field(z, r_B, t_B):
    """A velocity with every dependence, and no operator that autocast narrows."""
    r, t = (time.reshape(-1, 1, 1, 1, 1) for time in (r_B, t_B))
    return z.sin() * t + r * z.square() - t


def _average(dtype):
    """An average of weights that move by a thousandth, and how far it is from them."""
    weights = nn.ParameterDict({"a": _t(_numbers(3, 8, 8), dtype), "b": _t(_numbers(4, 8), dtype)})
    expected = [value.detach().clone() for value in weights.values()]
    average = Ema(weights, 0.995) if dtype == torch.float32 else None
    for _ in range(20):
        for index, parameter in enumerate(weights.values()):
            parameter.data.mul_(1.001)
            expected[index] = 0.995 * expected[index] + 0.005 * parameter.detach()
        if average is not None:
            average.update(weights)
    found = expected if average is None else average.shadow.values()
    return torch.cat([value.flatten() for value in found])


def _embedded(dtype):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = TimeEmbedding(8, 16, 1.0)
    return net.to(dtype)(torch.from_numpy(TIME).to(dtype))


def _codec(dtype):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_vae(VaeArchitecture((4, 4, 4), (1, 1, 1), 2))
    codec = LatentCodec(network, VaeArchitecture((4, 4, 4), (1, 1, 1), 2), 0.7)
    volume = torch.from_numpy(_numbers(5, 1, 1, 8, 8, 8)).to(dtype)
    if dtype == torch.float32:
        return torch.cat([codec.encode(volume).flatten(), codec.decode(codec.encode(volume)).flatten()])
    network.double()
    with mock.patch.object(torch, "float32", torch.float64):  # MONAI's norm narrows what it is given
        latent = network.encode(volume)[0]
        return torch.cat([0.7 * latent.flatten(), network.decode(latent).flatten()]).detach()


def _t(value, dtype):
    return torch.from_numpy(np.asarray(value)).to(dtype)


VALUES = {
    "interpolate": lambda d: interpolate(_t(X, d), _t(E, d), _t(TIME, d)),
    "conditional_velocity": lambda d: conditional_velocity(_t(X, d), _t(E, d)),
    "average_velocity": lambda d: average_velocity(_t(X, d), _t(E, d), _t(TIME, d), "x", 0.2),
    "reduce_dims": lambda d: reduce_dims(_t(X**2, d), "sum", _t([1.0, 2.0, 3.0, 4.0], d)),
    "reduce_dims, mean": lambda d: reduce_dims(_t(X**2, d), "mean"),
    "adaptive_weight": lambda d: adaptive_weight(_t(LOSS, d), 0.01, 0.7),
    "weighted_loss": lambda d: weighted_loss(_t(LOSS, d), 0.01, 0.7),
    "potential": lambda d: potential(_t(LOSS, d), 1e3, 0.7),
    "potential, log": lambda d: potential(_t(LOSS, d), 1e3, 1.0),
    "weigh": lambda d: weigh([_t(LOSS, d), _t(2 * LOSS, d)], 0.01, 0.5).weighted_B,
    "weigh, potential": lambda d: weigh([_t(LOSS, d), _t(2 * LOSS, d)], 0.01, 0.5).potential_B,
    "exact_derivative": lambda d: exact_derivative(field, _t(X, d), _t(TIME / 2, d), _t(TIME, d), _t(E, d)).dudt,
    "step_back": lambda d: step_back(field, _t(X, d), _t(TIME / 2, d), _t(TIME, d)),
    "sample": lambda d: sample(field, _t(X, d), 3, 0.05),
    "velocity_field": lambda d: velocity_field(field, settings_for())(_t(X, d), _t(TIME / 2, d), _t(TIME, d)),
    "sinusoidal": lambda d: sinusoidal(_t(TIME, d), 16, 1.0),
    "normalise": lambda d: STATISTICS.normalise(_t(X, d)),
    "denormalise": lambda d: STATISTICS.denormalise(_t(X, d)),
    "root_mean_square": lambda d: root_mean_square(norms_of([_t(X, d), _t(1e-3 * E, d)]), 2 * X.size),
    "average of the weights": _average,
}
"""What a step computes outside the network: each under autocast in float32, and in float64."""


@pytest.mark.parametrize("name", VALUES)
def test_a_value_outside_the_network_is_float32_under_autocast(name):
    """The function's values under bf16 autocast are those of float64, to float32."""
    with narrow():
        found = VALUES[name](torch.float32)
    with NothingNarrow():
        expected = VALUES[name](torch.float64)
    assert worst(found, expected) <= FLOAT32


@pytest.mark.parametrize("made", [_embedded, _codec], ids=["embedding", "autoencoder"])
def test_a_network_that_is_not_trained_in_bf16_is_float32(made):
    """Embedding and autoencoder give the values of their float64 twins."""
    assert worst(made(torch.float32), made(torch.float64)) <= THROUGH_NET


def test_a_difference_quotient_is_taken_of_numbers_that_are_not_rounded():
    """A finite difference outside the network adds no rounding but that of float32 over its step."""
    arguments = (X, TIME / 2, TIME, E)
    with narrow():
        found = finite_difference(field, *(_t(a, torch.float32) for a in arguments), 0.01).dudt
    expected = finite_difference(field, *(_t(a, torch.float64) for a in arguments), 0.01).dudt
    assert worst(found, expected) <= FLOAT32 / 0.01


OFFSET = 1e4
SHIFTED = torch.from_numpy((OFFSET + _numbers(6, 3, *SHAPE)).astype(np.float32))


def _exact_moments(values_BCP):
    mean = np.array([[math.fsum(c) / len(c) for c in b] for b in values_BCP])
    return mean, np.array(
        [
            [math.fsum((c - m) ** 2) / len(c) for c, m in zip(b, ms, strict=True)]
            for b, ms in zip(values_BCP, mean, strict=True)
        ]
    )


def test_moments_are_added_up_in_float64():
    """Far from zero, where float32 sums lose every digit of a variance, scan, pool and batch keep twelve."""
    mean_BC, variance_BC = _exact_moments(SHIFTED.double().flatten(2).numpy())
    scans = [channel_moments(latent) for latent in SHIFTED]
    assert np.array([scan.mean for scan in scans]) == pytest.approx(mean_BC, rel=FLOAT64)
    assert np.array([scan.std for scan in scans]) == pytest.approx(np.sqrt(variance_BC), rel=1e-9)
    pooled = pool_moments(scans)
    assert pooled.mean == pytest.approx(mean_BC.mean(0), rel=FLOAT64)
    assert pooled.std == pytest.approx(np.sqrt(variance_BC.mean(0) + mean_BC.var(0)), rel=1e-9)
    sums = batch_moments(SHIFTED)
    found = [float(sums[f"data.{index}"]) / 3 for index in range(8)]
    assert found == pytest.approx([*mean_BC.mean(0), *(variance_BC + mean_BC**2).mean(0)], rel=FLOAT64)
