"""Measurements a healthy run must pass before its first step: the derivative in use, and the field's rate in time."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from neuromf.flow.batch import Batch
from neuromf.flow.jvp import Derivative, Field, exact_derivative, total_derivative
from neuromf.flow.network import Net, evaluate, velocity_field
from neuromf.flow.number_type import computed_in
from neuromf.flow.path import interpolate
from neuromf.flow.settings import NumberType, ObjectiveSettings


def randomised_copy(net: nn.Module, seed: int) -> nn.Module:
    """A copy with its zero-initialised layers drawn at random; otherwise u and du/dt are zero and every test passes."""
    clone = copy.deepcopy(net)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in clone.parameters():
            if not parameter.any():
                fan_in = max(parameter[0].numel(), 1) if parameter.ndim > 1 else parameter.numel()
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * fan_in**-0.5)
    return clone


def relative_distance(found: Tensor, expected: Tensor) -> float:
    """||found - expected|| / ||expected||, summed in float64."""
    return float((found - expected).double().norm() / expected.double().norm())


def state_digest(values: Iterable[Tensor]) -> str:
    """Twelve hexadecimal digits for some tensors, in order, and torch's randomness."""
    digest = hashlib.sha256()
    for value in (*values, torch.get_rng_state()):
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def raw_field(net: Net) -> Field:
    """The network's own output as a field; the x-to-u conversion adds a 1/t that is not the network's doing."""
    return lambda z, r_B, t_B: evaluate(net, z, r_B, t_B).prediction


def temporal_ratio(net: Net, batch: Batch) -> float:
    r""":math:`\|\partial_t u\| / \|u\|` of the network's output on a batch (law JVP-005)."""
    z = interpolate(batch.x, batch.e, batch.t_B)
    rate = exact_derivative(raw_field(net), z, batch.r_B, batch.t_B, torch.zeros_like(z))
    return float(rate.dudt.norm() / rate.u.norm())


def derivative_error(net: Net, batch: Batch, settings: ObjectiveSettings, precision: NumberType) -> float:
    r"""Relative distance of the configured derivative from the exact one in float32 (law JVP-003).

    Args:
        net: a network with randomised weights.
        batch: real latents and noise.
        settings: which derivative is configured.
        precision: number type of the training's passes; the settings may say otherwise of the derivative's.
    """
    z = interpolate(batch.x, batch.e, batch.t_B)
    field = velocity_field(net, settings)
    tangent = batch.e - batch.x
    exact = exact_derivative(field, z, batch.r_B, batch.t_B, tangent)
    used = _configured(field, z, batch, tangent, settings, precision)
    return float((used.dudt.float() - exact.dudt).norm() / exact.dudt.norm())


def _configured(
    field: Field, z: Tensor, batch: Batch, tangent: Tensor, settings: ObjectiveSettings, precision: NumberType
) -> Derivative:
    with computed_in(precision, z.device.type):
        return total_derivative(field, z, batch.r_B, batch.t_B, tangent, settings)
