"""Exponential moving average of the weights, once per optimiser step, in float32 (laws EMA-001, EMA-002)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuromf.training.step.optimiser import few_at_a_time


def distances(first: Sequence[Tensor], second: Sequence[Tensor]) -> list[Tensor]:
    """Norm of the difference of each pair of tensors; a few at a time, so that no second set of weights is made."""
    norms: list[Tensor] = []
    for part in few_at_a_time(first):
        norms += torch._foreach_norm(torch._foreach_sub(list(first[part]), list(second[part])))
    return norms


class Ema:
    r"""Shadow weights :math:`\bar\theta \leftarrow \beta \bar\theta + (1 - \beta)\,\theta`.

    Args:
        model: the model whose weights are the first average.
        decay: beta; the half-life is ln 2 / -ln beta optimiser steps. None keeps no average: `shadow` is empty, and the
            weights stand in its place.
    """

    def __init__(self, model: nn.Module, decay: float | None) -> None:
        self.decay = decay
        kept = model.named_parameters() if decay is not None else ()
        self.shadow = {name: value.detach().float().clone() for name, value in kept}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Average the present weights in; call once after each optimiser step, never per micro-batch."""
        if self.decay is None:
            return
        present = [value.detach().float() for _, value in model.named_parameters()]
        torch._foreach_lerp_(list(self.shadow.values()), present, 1 - self.decay)

    @torch.no_grad()
    def gap(self, present: Sequence[Tensor], norms_N: Tensor) -> Tensor:
        """Distance of average and weights over the norm of the weights; 0 without an average.

        Args:
            present: the weights, in the model's order.
            norms_N: norm of each.
        """
        if self.decay is None:
            return norms_N.new_zeros(())
        gap: Tensor = torch.stack(distances(list(self.shadow.values()), present)).norm() / norms_N.norm()
        return gap

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        """Overwrite a model's weights with the average, if there is one."""
        for name, value in model.named_parameters():
            if name in self.shadow:
                value.copy_(self.shadow[name])
