"""What one step of any optimiser moved, parameter by parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neuromf.any_loop.silent.gradient_look import largest
from neuromf.monitor.checks.coverage import RESOLVABLE

SECOND_MOMENTS = ("exp_avg_sq", "square_avg", "sum")
"""What torch's optimisers call the sum or the mean of squared gradients."""
TINY = 1e-30
"""Of weights that are all zero any step moves them, but for one that float32 cannot hold."""


@dataclass(frozen=True)
class Motion:
    """Where parameters went in one step.

    Attributes:
        moved: which went anywhere, by place.
        still: how many had a gradient whose step should have been seen, and stayed.
        with_gradient: how many had a gradient other than zero.
        broken: which hold a number that is not finite, by place.
    """

    moved: list[bool]
    still: int
    with_gradient: int
    broken: list[int]


@torch.no_grad()
def motion(
    parameters: Sequence[nn.Parameter], before: Sequence[Tensor], groups: Sequence[Mapping[str, Any]],
    states: Mapping[Any, Mapping[str, Any]],
) -> Motion:  # fmt: skip
    """Compare the weights with copies from before the step.

    Args:
        parameters: after the step, with the gradients that the optimiser was given.
        before: copies, in the same order, which are overwritten.
        groups: the optimiser's, for their learning rates.
        states: what it remembers of each parameter.
    """
    # In place, and towards the weights before: new pages of memory would take longer than the numbers.
    steps = [former.sub_(parameter.detach()) for parameter, former in zip(parameters, before, strict=True)]
    lengths = _read([largest(step) for step in steps])
    sizes = _read([largest(parameter.grad) for parameter in parameters if parameter.grad is not None])
    return Motion(
        moved=[length != 0 for length in lengths],
        still=_still(parameters, steps, groups, states) if 0 in lengths else 0,
        with_gradient=sum(size != 0 for size in sizes),
        broken=[place for place, length in enumerate(lengths) if not length < float("inf")],
    )


def _read(scalars: Sequence[Tensor]) -> list[float]:
    """Scalars in one transfer from their device."""
    if not scalars:
        return []
    values: list[float] = torch.stack([scalar.to(scalars[0].device) for scalar in scalars]).tolist()
    return values


def _still(
    parameters: Sequence[nn.Parameter], steps: Sequence[Tensor], groups: Sequence[Mapping[str, Any]],
    states: Mapping[Any, Mapping[str, Any]],
) -> int:  # fmt: skip
    """Parameters that stood still although their step is far above the rounding of their largest weight."""
    step_of = {id(parameter): step for parameter, step in zip(parameters, steps, strict=True)}
    count = 0
    for group in groups:
        for p in group["params"]:
            if p.grad is None or p.grad.is_sparse or id(p) not in step_of or bool(step_of[id(p)].any()):
                continue
            size = float(group["lr"]) * _per_rate(p, states.get(p, {}), float(group.get("eps", 0.0)))
            count += size > RESOLVABLE * float(largest(p)) + TINY
    return count


def _per_rate(parameter: nn.Parameter, state: Mapping[str, Any], eps: float) -> float:
    """About how far the largest entry goes, over the learning rate: by the moments that the optimiser keeps.

    The gradient alone does not tell it: where it has shrunk, the second moment remembers what it was.
    """
    if parameter.grad is None or not parameter.numel():
        return 0.0
    first = state.get("exp_avg", parameter.grad)
    second = next((state[name] for name in SECOND_MOMENTS if name in state), None)
    # A gradient below epsilon makes no full step, whatever the moments.
    if float(largest(parameter.grad)) <= eps:
        return 0.0
    return float(largest(first if second is None else first / (second.sqrt() + eps)))
