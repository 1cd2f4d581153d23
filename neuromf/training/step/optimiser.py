"""Adam over every trainable parameter, and the gradient's norm and clip (laws OPT-001, OPT-002, NUM-001)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from neuromf.config.schema import TrainingConfig


def build_optimiser(model: nn.Module, training: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW, whose weight decay is decoupled from the gradient, or Adam, whose is not (law CFG-002)."""
    kind = torch.optim.AdamW if training.optimiser == "adamw" else torch.optim.Adam
    return kind(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        lr=training.learning_rate,
        betas=(training.beta1, training.beta2),
        eps=training.adam_eps,
        weight_decay=training.weight_decay,
    )


def set_learning_rate(optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    """Give every parameter group the same learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate


def gradients(model: nn.Module) -> list[Tensor]:
    """Gradients of the parameters that have one."""
    return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]


def clip(model: nn.Module, norm: Tensor, limit: float) -> None:
    """Scale the gradients so that their global norm, already known, does not exceed `limit`."""
    parameters = [parameter for parameter in model.parameters() if parameter.grad is not None]
    torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)


def root_mean_square(tensors: Iterable[Tensor]) -> Tensor:
    """Root mean square over all numbers of several tensors, as a float64 scalar."""
    tensors = list(tensors)
    total = torch.stack([norm.double().square() for norm in torch._foreach_norm(tensors)]).sum()
    return (total / sum(tensor.numel() for tensor in tensors)).sqrt()
