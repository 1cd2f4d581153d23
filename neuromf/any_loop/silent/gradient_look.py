"""Looks at gradients at the moment when a backward pass is about to add to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class GradientLook:
    """Notes, once for each parameter, how large its gradient is before the first backward pass of a step.

    Hooks are there from the end of the step before to the end of this one, and only where the step is judged.

    Args:
        parameters: those that are trained.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = parameters
        self._handles: dict[int, tuple[Any, Any]] = {}
        self._former: dict[int, Tensor | None] = {}
        self._found: list[Tensor] = []

    def begin(self) -> None:
        """The step before is done."""
        self.end()
        for place, parameter in enumerate(self._parameters):
            # The first is called for a gradient that somebody only asks for, too; the second once it has been added.
            self._handles[place] = (
                parameter.register_hook(self._before(place, parameter)),  # type: ignore[no-untyped-call]
                parameter.register_post_accumulate_grad_hook(self._after(place)),  # type: ignore[no-untyped-call]
            )

    def _before(self, place: int, parameter: nn.Parameter) -> Any:  # noqa: ANN401
        def look(_: Tensor) -> None:
            self._former[place] = None if parameter.grad is None else largest(parameter.grad)

        return look

    def _after(self, place: int) -> Any:  # noqa: ANN401
        def look(_: Tensor) -> None:
            for handle in self._handles.pop(place, ()):  # what other micro-batches of the step add is meant to be added
                handle.remove()
            former = self._former.pop(place, None)
            if former is not None:
                self._found.append(former)

        return look

    def end(self) -> int:
        """The step is done: how many parameters held a gradient other than zero when it began."""
        for handles in self._handles.values():
            for handle in handles:
                handle.remove()
        self._handles, self._former, found = {}, {}, self._found
        self._found = []
        if not found:
            return 0
        # NaN is no zero: a gradient that is not cleared counts, whatever it holds.
        return int((torch.stack([value.to(found[0].device) for value in found]) != 0).sum())


def largest(values: Tensor) -> Tensor:
    """Largest absolute value of a tensor, dense or sparse, as a scalar; 0 of none."""
    dense = values.detach().coalesce().values() if values.is_sparse else values.detach()
    if not dense.numel():
        return torch.zeros((), device=dense.device)
    norm: Tensor = torch._foreach_norm([dense], math.inf)[0]  # without a copy of the absolute values
    return norm.float()
