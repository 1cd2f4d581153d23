"""Whether a device computes the run's own network as float32 does, asked before the run trains on it (law PREC-003).

A small grid and two samples: one pass with gradient, its backward pass, one forward-mode derivative, each in the number
type that the run asks for, beside the same in float32 on the CPU.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from functools import cache

import torch
from neuromf_spec.laws.precision import DeviceError
from torch import Tensor, nn

from neuromf.config.derived import derivative_precision
from neuromf.config.schema import Config
from neuromf.flow.jvp import exact_derivative
from neuromf.flow.network import evaluate
from neuromf.flow.number_type import computed_in, tf32
from neuromf.flow.settings import NumberType
from neuromf.monitor.checks.probes import randomised_copy, relative_distance
from neuromf.monitor.checks.runtime_checks import LawReading, judge
from neuromf.nets.factory import build_net

SAMPLES = 2
SEED = 0
INNERMOST = {"cpu": 4, "cuda": 2}
"""Cells: few, for the same is computed on the CPU too. A processor's kernels for one and two cells are others than for
more, and some of them are wrong; nothing is known to be wrong from three on."""
FAINT = 1e-3
"""Part of the whole gradient's norm below which the gradient of one parameter is no scale for its error: that of a bias
in front of a normalisation is rounding alone."""


@dataclass(frozen=True)
class DeviceQuestion:
    """What decides the answer of a device.

    Attributes:
        network: the section that describes it, as text.
        v_head: whether it has a second head.
        latent: shape of a latent, C, D, H, W.
        output: number type of the pass with gradient.
        derivative: number type of the pass for du/dt.
        config: the run that asks.
    """

    network: str
    v_head: bool
    latent: tuple[int, ...]
    output: NumberType
    derivative: NumberType
    config: Config = field(compare=False)

    @classmethod
    def of(cls, config: Config) -> DeviceQuestion:
        """The question that a run asks."""
        v_head, kinds = config.meanflow.tangent == "v_head", (config.training.precision, derivative_precision(config))
        return cls(config.unet.model_dump_json(), v_head, config.latent_shape, *kinds, config)

    def shape(self, device: torch.device) -> tuple[int, ...]:
        """Of the points: the innermost level has as many cells along an axis as the run's, up to INNERMOST.

        A network of the user's own is asked at the run's own shape, for it may know no other.
        """
        channels, *cells = self.latent
        unet = self.config.unet
        longest = max(cells) if unet.factory else 2 ** (len(unet.channels) - 1) * INNERMOST[device.type]
        return (SAMPLES, channels, *(min(longest, axis) for axis in cells))


@dataclass(frozen=True)
class ProbePoints:
    """Where the network is asked: points and a velocity (B, C, ...), times (B,), a gradient that arrives, like z."""

    z: Tensor
    r_B: Tensor
    t_B: Tensor
    velocity: Tensor
    arriving: Tensor


@dataclass(frozen=True)
class Passes:
    """What a device computed, in float64 on the CPU: u, the gradient of each parameter by its name, du/dt."""

    output: Tensor
    gradients: dict[str, Tensor]
    dudt: Tensor


def device_reading(config: Config, device: torch.device) -> LawReading | None:
    """What law PREC-003 says of the device.

    Returns:
        The reading; None for float32 on the CPU, which TF32 is there too: everything else is compared with it.
    """
    question = DeviceQuestion.of(config)
    if device.type == "cpu" and "bf16" not in (question.output, question.derivative):
        return None
    return _judge(question, device)


@cache
def _judge(question: DeviceQuestion, device: torch.device) -> LawReading:
    net, points = settled_network(question), probe_points(question.shape(device))
    expected = run_passes(net, points, torch.device("cpu"), output="fp32", derivative="fp32")
    found = run_passes(net, points, device, output=question.output, derivative=question.derivative)
    return judge("PREC-003", errors=device_errors(found, expected, question))


def run_passes(
    net: nn.Module, points: ProbePoints, device: torch.device, *, output: NumberType, derivative: NumberType
) -> Passes:
    """The three passes of a training step on a copy of the network.

    Args:
        net: on the CPU, in float32.
        points: likewise.
        device: where the passes run.
        output: number type of the pass with gradient.
        derivative: number type of the pass for du/dt.
    """
    there = copy.deepcopy(net).to(device)
    z, r_B, t_B, velocity = (part.to(device) for part in (points.z, points.r_B, points.t_B, points.velocity))
    named = dict(there.named_parameters())
    with torch.enable_grad(), tf32(output == "tf32"):
        with computed_in(output, device.type):
            u = evaluate(there, z, r_B, t_B).prediction
        gradients = torch.autograd.grad(u, list(named.values()), points.arriving.to(u), allow_unused=True)

    def field(z: Tensor, r_B: Tensor, t_B: Tensor) -> Tensor:
        return evaluate(there, z, r_B, t_B).prediction

    dudt = exact_derivative(field, z, r_B, t_B, velocity, derivative).dudt
    kept = {name: _wide(part) for name, part in zip(named, gradients, strict=True) if part is not None}
    return Passes(_wide(u), kept, _wide(dudt))


def device_errors(found: Passes, expected: Passes, question: DeviceQuestion) -> tuple[DeviceError, ...]:
    """Relative errors, in the Euclidean norm, of the output, of the worst parameter's gradient, of du/dt."""
    whole = math.sqrt(sum(float(part.square().sum()) for part in expected.gradients.values()))
    errors = {
        name: float((found.gradients[name] - right).norm()) / max(float(right.norm()), FAINT * whole)
        for name, right in expected.gradients.items()
    }
    worst = max(errors, key=lambda name: math.inf if math.isnan(errors[name]) else errors[name])
    return (
        DeviceError("output", question.output, relative_distance(found.output, expected.output)),
        DeviceError(f"gradient of {worst}", question.output, errors[worst]),
        DeviceError("du/dt", question.derivative, relative_distance(found.dudt, expected.dudt)),
    )


def settled_network(question: DeviceQuestion) -> nn.Module:
    """The run's network, in which no weight is zero: behind those that start at zero every derivative would be."""
    return randomised_copy(build_net(question.config, SEED), SEED)


def probe_points(shape: tuple[int, ...]) -> ProbePoints:
    """Two samples (B, C, ...) drawn by a seed."""
    generator = torch.Generator().manual_seed(SEED + 1)
    z, velocity, arriving = (torch.randn(shape, generator=generator) for _ in range(3))
    times = torch.rand((2, shape[0]), generator=generator)
    return ProbePoints(z, times.amin(0), times.amax(0), velocity, arriving)


def _wide(part: Tensor) -> Tensor:
    return part.detach().double().cpu()
