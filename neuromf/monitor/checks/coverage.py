"""What an optimiser holds of a model, and what its step moved (law OPT-002)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

RESOLVABLE = 1e-5
"""Learning rate over a tensor's largest weight above which Adam's step cannot round to nothing in float32: the step is
of the size of the rate, and 100 times a unit in the last place leaves room for gradients that have shrunk."""


@dataclass(frozen=True)
class Coverage:
    """How an optimiser covers a model.

    Attributes:
        trainable: parameters that require a gradient.
        held: how many of them the optimiser holds.
        repeated: parameters that it holds more than once.
        still: parameters that had a gradient and did not move.
    """

    trainable: int
    held: int
    repeated: int
    still: int


def coverage(model: nn.Module, optimiser: torch.optim.Optimizer, still: int = 0) -> Coverage:
    """Count the parameters of `model` in `optimiser`; `still` is what the last step left where it was."""
    trainable = {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
    held = [id(parameter) for group in optimiser.param_groups for parameter in group["params"]]
    return Coverage(len(trainable), len(trainable & set(held)), len(held) - len(set(held)), still)


def at_rest(moved: Sequence[Tensor]) -> Tensor:
    """Number of parameters that may not have moved, as a scalar on the device; none that did not is left out.

    A tenth of the price of `unmoved`, which need be asked only where this is not zero: the sum of squares is one pass,
    and rounds to zero where nothing moved, or by less than 1e-23.
    """
    return (torch.stack(torch._foreach_norm(list(moved))) == 0).sum()


def unmoved(parameters: Sequence[Tensor], moved: Sequence[Tensor], learning_rate: float, epsilon: float) -> Tensor:
    """Number of parameters whose step should have been seen and was not, as a scalar on the device.

    Args:
        parameters: the weights, with the gradients of the step.
        moved: how far each went.
        learning_rate: of the step.
        epsilon: Adam's; a gradient below it makes no full step.
    """
    found = [(p.detach(), p.grad, step) for p, step in zip(parameters, moved, strict=True) if p.grad is not None]
    if not found:
        return torch.zeros(())
    weights, gradients, steps = (_largest(tensors) for tensors in zip(*found, strict=True))
    return ((steps == 0) & (gradients > epsilon) & (weights * RESOLVABLE < learning_rate)).sum()


def _largest(tensors: Sequence[Tensor]) -> Tensor:
    """Largest absolute value of each tensor."""
    return torch.stack(torch._foreach_norm(list(tensors), math.inf))
