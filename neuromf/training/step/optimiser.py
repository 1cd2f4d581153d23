"""Adam over every trainable parameter, and the gradient's norm and clip (laws OPT-001, OPT-002, NUM-001)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from neuromf.config.schema import TrainingConfig

AT_A_TIME = 1 << 22
"""Numbers that are copied together: 16 MiB, and more than most tensors of a network hold."""


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


def gradients(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    """Gradients of the parameters that have one."""
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def clip(parameters: Iterable[nn.Parameter], norm: Tensor, limit: float) -> None:
    """Scale the gradients so that their global norm, already known, does not exceed `limit`."""
    owners = [parameter for parameter in parameters if parameter.grad is not None]
    torch.nn.utils.clip_grads_with_norm_(owners, limit, norm)


def few_at_a_time(tensors: Sequence[Tensor]) -> Iterator[slice]:
    """Parts of a list of tensors that hold `AT_A_TIME` numbers or a little more, so that no second set is made."""
    begin = numbers = 0
    for end, tensor in enumerate(tensors, start=1):
        numbers += tensor.numel()
        if numbers >= AT_A_TIME or end == len(tensors):
            yield slice(begin, end)
            begin, numbers = end, 0


def nonzeros(tensors: Sequence[Tensor]) -> Tensor:
    """How many numbers of several tensors are not zero."""
    counts = [
        torch.count_nonzero(torch.cat([tensor.flatten() for tensor in tensors[part]]))
        for part in few_at_a_time(tensors)
    ]
    return torch.stack(counts).sum()


def norms_of(tensors: list[Tensor]) -> Tensor:
    """Norm of each tensor, as a vector."""
    return torch.stack(torch._foreach_norm(tensors))


def root_mean_square(norms_N: Tensor, numbers: int) -> Tensor:
    """Root mean square over all numbers of several tensors, as a float64 scalar.

    Args:
        norms_N: norm of each tensor.
        numbers: that they hold together.
    """
    return (norms_N.double().square().sum() / numbers).sqrt()
