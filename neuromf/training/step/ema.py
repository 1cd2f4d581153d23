"""Exponential moving average of the weights, once per optimiser step, in float32 (laws EMA-001, EMA-002)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Ema:
    r"""Shadow weights :math:`\bar\theta \leftarrow \beta \bar\theta + (1 - \beta)\,\theta`.

    Args:
        model: the model whose weights are the first average.
        decay: beta; the half-life is ln 2 / -ln beta optimiser steps.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.shadow = {name: value.detach().float().clone() for name, value in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Average the present weights in; call once after each optimiser step, never per micro-batch."""
        present = [value.detach().float() for _, value in model.named_parameters()]
        torch._foreach_lerp_(list(self.shadow.values()), present, 1 - self.decay)

    @torch.no_grad()
    def gap(self, model: nn.Module) -> Tensor:
        """Distance of average and weights over the norm of the weights."""
        present = [value.detach().float() for _, value in model.named_parameters()]
        apart = torch._foreach_sub(list(self.shadow.values()), present)
        distance, size = (torch.stack(torch._foreach_norm(tensors)).norm() for tensors in (apart, present))
        gap: Tensor = distance / size
        return gap

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        """Overwrite a model's weights with the average."""
        for name, value in model.named_parameters():
            value.copy_(self.shadow[name])
