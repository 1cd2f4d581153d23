"""The tensors of an average of the weights, whoever keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from neuromf.errors import InputError

KINDS = "a module, torch's AveragedModel, a mapping or a list of tensors, or what keeps one as shadow or shadow_params"


def average_values(ema: Any, model: nn.Module) -> list[tuple[Tensor, Tensor]]:  # noqa: ANN401
    """Pairs of the average and the weight that it is of.

    Args:
        ema: the average, as many libraries keep it.
        model: the network that is trained.

    Raises:
        InputError: it is none of the known kinds, or not of this network.
    """
    weights = dict(model.named_parameters())
    if isinstance(ema, nn.Module) and not hasattr(ema, "shadow") and not hasattr(ema, "shadow_params"):
        inner: Any = ema.module if hasattr(ema, "n_averaged") and hasattr(ema, "module") else ema
        kept: Any = dict(inner.named_parameters())
    else:
        kept = getattr(ema, "shadow", None) or getattr(ema, "shadow_params", None) or ema
    pairs = _paired(kept, weights)
    if not pairs or any(average.shape != weight.shape for average, weight in pairs):
        raise InputError("is no average of this network", remedy=f"give {KINDS}", key="ema")
    return pairs


def _paired(kept: Any, weights: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:  # noqa: ANN401
    if isinstance(kept, Mapping):
        plain = {name.removeprefix("module."): weight for name, weight in weights.items()}
        named = {str(name).removeprefix("module."): value for name, value in kept.items()}
        return [(named[name], weight) for name, weight in plain.items() if name in named and weight.requires_grad]
    if isinstance(kept, Sequence) and all(isinstance(value, Tensor) for value in kept):
        trained = [weight for weight in weights.values() if weight.requires_grad]
        for candidates in (list(weights.values()), trained):
            if len(candidates) == len(kept):
                return [(a, w) for a, w in zip(kept, candidates, strict=True) if w.requires_grad]
    return []
