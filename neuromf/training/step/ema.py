"""Exponential moving average of the weights, once per optimiser step, in float32 (laws EMA-001, EMA-002)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

AT_A_TIME = 1 << 22
"""Numbers whose differences are in memory together: 16 MiB, and more than most tensors of a network hold."""


def distances(first: Sequence[Tensor], second: Sequence[Tensor]) -> list[Tensor]:
    """Norm of the difference of each pair of tensors; a few at a time, so that no second set of weights is made."""
    norms: list[Tensor] = []
    begin = numbers = 0
    for end, tensor in enumerate(first, start=1):
        numbers += tensor.numel()
        if numbers >= AT_A_TIME or end == len(first):
            norms += torch._foreach_norm(torch._foreach_sub(list(first[begin:end]), list(second[begin:end])))
            begin, numbers = end, 0
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
    def gap(self, model: nn.Module) -> Tensor:
        """Distance of average and weights over the norm of the weights; 0 without an average."""
        if self.decay is None:
            return torch.zeros((), device=next(model.parameters()).device)
        present = [value.detach().float() for _, value in model.named_parameters()]
        apart = distances(list(self.shadow.values()), present)
        distance, size = (torch.stack(norms).norm() for norms in (apart, torch._foreach_norm(present)))
        gap: Tensor = distance / size
        return gap

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        """Overwrite a model's weights with the average, if there is one."""
        for name, value in model.named_parameters():
            if name in self.shadow:
                value.copy_(self.shadow[name])
