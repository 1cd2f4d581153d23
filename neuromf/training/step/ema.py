"""Exponential moving average of the weights, once per optimiser step, in float32 (laws EMA-001, EMA-002)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
        apart = torch._foreach_sub(list(self.shadow.values()), present)
        distance, size = (torch.stack(torch._foreach_norm(tensors)).norm() for tensors in (apart, present))
        gap: Tensor = distance / size
        return gap

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        """Overwrite a model's weights with the average, if there is one."""
        for name, value in model.named_parameters():
            if name in self.shadow:
                value.copy_(self.shadow[name])
