"""What one step of any optimiser moved, parameter by parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neuromf.any_loop.silent.gradient_look import largest
from neuromf.monitor.checks.coverage import RESOLVABLE, unmoved


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
def motion(parameters: Sequence[nn.Parameter], before: Sequence[Tensor], groups: Sequence[Mapping[str, Any]]) -> Motion:
    """Compare the weights with copies from before the step.

    Args:
        parameters: after the step, with the gradients that the optimiser was given.
        before: copies, in the same order.
        groups: the optimiser's, for their learning rates.
    """
    steps = [parameter.detach() - former for parameter, former in zip(parameters, before, strict=True)]
    lengths = _read([largest(step) for step in steps])
    sizes = _read([largest(parameter.grad) for parameter in parameters if parameter.grad is not None])
    return Motion(
        moved=[length != 0 for length in lengths],
        still=_still(parameters, steps, groups) if 0 in lengths else 0,
        with_gradient=sum(size != 0 for size in sizes),
        broken=[place for place, length in enumerate(lengths) if not length < float("inf")],
    )


def _read(scalars: Sequence[Tensor]) -> list[float]:
    """Scalars in one transfer from their device."""
    if not scalars:
        return []
    values: list[float] = torch.stack([scalar.to(scalars[0].device) for scalar in scalars]).tolist()
    return values


def _still(parameters: Sequence[nn.Parameter], steps: Sequence[Tensor], groups: Sequence[Mapping[str, Any]]) -> int:
    """As in our own trainings, with each group's own rate; a plain gradient step is as large as rate times gradient."""
    step_of = {id(parameter): step for parameter, step in zip(parameters, steps, strict=True)}
    count = 0
    for group in groups:
        rate = float(group["lr"])
        own = [p for p in group["params"] if id(p) in step_of and p.grad is not None and not p.grad.is_sparse]
        if not own or not rate > 0:
            continue
        if "betas" in group:  # of Adam's family, whose step is of the size of the rate
            moved = [step_of[id(parameter)] for parameter in own]
            count += int(unmoved(own, moved, rate, float(group.get("eps", 0.0))))
        else:
            count += sum(_should_have_moved(p, rate) and not bool(step_of[id(p)].any()) for p in own)
    return count


def _should_have_moved(parameter: nn.Parameter, rate: float) -> bool:
    """Whether rate times gradient is far above the rounding of the largest weight."""
    if parameter.grad is None or not parameter.numel():
        return False
    return float(largest(parameter.grad)) * rate > RESOLVABLE * float(largest(parameter)) + 1e-30
