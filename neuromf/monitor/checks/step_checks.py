"""What is read off a model, its optimiser and its average to find faults that no loss shows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from neuromf.monitor.checks.coverage import Coverage

RESOLVABLE_CHANGE = 1e-6
"""Change of the average over its size above which float32 shows it: rounding, 1.2e-7/sqrt(12) of each weight, then
disturbs it by less than 4 %."""


@dataclass(frozen=True)
class StepChecks:
    """Silent faults looked for in one step.

    Attributes:
        coverage: what the optimiser holds, and what it left where it was.
        stale: parameters that held a gradient before the first backward pass.
        recorded: the run's number of updates after the step.
        counted: the optimiser's own.
        average_updates: times the average moved, by how far it went; None where float32 cannot show it or
            there is none.
        differing: by rank, parameters that are not bit for bit those of rank 0.
        moments: sums of the first batch's data, empty in later steps.
        norm: of the gradient before the clip.
        clipped_norm: of the gradient that the optimiser was given.
    """

    coverage: Coverage
    stale: int
    recorded: int
    counted: int
    average_updates: float | None
    differing: tuple[int, ...]
    moments: dict[str, float]
    norm: float
    clipped_norm: float


def stale_gradients(parameters: Iterable[Tensor]) -> int:
    """Parameters with a gradient that is already there."""
    return sum(parameter.grad is not None for parameter in parameters)


def own_count(optimiser: torch.optim.Optimizer, device: torch.device) -> Tensor:
    """Updates that Adam has counted itself, the smallest over its parameters; 0 before the first."""
    counts = [state["step"] for state in optimiser.state.values() if "step" in state]
    if not counts:
        return torch.zeros((), device=device)
    # Adam counts in float32 tensors on the CPU: one conversion for all of them, not one each.
    return torch.stack([torch.as_tensor(count) for count in counts]).to(device, torch.float64).min()


WORDS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integers of the size of a number, in bytes."""


def fingerprint(parameters: Iterable[Tensor]) -> Tensor:
    """One integer a parameter, the sum of its numbers' bits: the same bits, whatever the order of summing."""
    values = [parameter.detach().contiguous() for parameter in parameters]
    words = [value.view(WORDS[value.element_size()]) for value in values]
    return torch.stack([word.sum(dtype=torch.int64) for word in words])


def average_motion(before: list[Tensor], after: list[Tensor], present: list[Tensor]) -> dict[str, Tensor]:
    """Scalars from which `average_updates` tells how often the average was updated.

    Args:
        before: average before the step.
        after: average after it.
        present: weights after it.
    """
    gap, moved = torch._foreach_sub(present, before), torch._foreach_sub(after, before)
    along = torch.stack([(a * b).sum() for a, b in zip(gap, moved, strict=True)]).sum()
    return {
        "average.along": along,
        "average.gap": torch.stack(torch._foreach_norm(gap)).norm(),
        "average.moved": torch.stack(torch._foreach_norm(moved)).norm(),
        "average.size": torch.stack(torch._foreach_norm(before)).norm(),
    }


def average_updates(readings: dict[str, float], decay: float) -> float | None:
    r"""Updates n of the average in one step: n of them go :math:`1 - \beta^n` of the way to the weights (EMA-001).

    None where the way is too short for float32, or the weights stand still; NaN where the average went elsewhere.
    """
    gap, moved = readings["average.gap"], readings["average.moved"]
    if not gap * (1 - decay) > RESOLVABLE_CHANGE * readings["average.size"]:
        return None
    if moved == 0:
        return 0.0
    share = readings["average.along"] / gap**2
    aligned = readings["average.along"] / (gap * moved)
    if not (aligned > 0.9 and share < 1):
        return math.nan
    return math.log1p(-share) / math.log(decay)


def whole_updates(updates: float) -> int:
    """Updates of the average in one step; -1 where it went elsewhere than to the weights."""
    # Rounding moves an update of a resolvable size by a few per cent at most.
    whole = round(updates) if math.isfinite(updates) else -1
    return whole if abs(updates - whole) <= 0.25 else -1
