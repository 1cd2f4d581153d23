"""Dropout that a network in evaluation mode does all the same: one of a function that was told to train."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from neuromf.any_loop.rules.words import DROPOUT, warning
from neuromf.monitor.guard.alarm import Alarm

FUNCTIONS = (
    functional.dropout, functional.dropout1d, functional.dropout2d, functional.dropout3d, functional.alpha_dropout,
    functional.feature_alpha_dropout,
)  # fmt: skip
ATTENTION = functional.scaled_dot_product_attention
"""It drops by its own argument, which no `eval()` sets to zero."""
DROPOUT_PLACE = 4


class DropoutLook(TorchFunctionMode):
    """Around an evaluation: counts dropouts that are at work while the network is in evaluation mode.

    Args:
        model: the network.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model, self._count = model, 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  # fmt: skip
        """Look, and do as asked."""
        named = dict(kwargs or {})
        if not self._model.training and _drops(func, args, named):
            self._count += 1
        return func(*args, **named)

    def look(self) -> list[Alarm]:
        """What was dropped in the evaluation."""
        if not self._count:
            return []
        said = f"{self._count} dropouts were at work while the network was in evaluation mode"
        return [warning(DROPOUT, said, f"{self._count} dropouts", "0")]


def _drops(func: Callable[..., Any], args: tuple[Any, ...], named: Mapping[str, Any]) -> bool:
    if func in FUNCTIONS:  # torch tells a mode their arguments by name
        return bool(named.get("training")) and float(named.get("p", 0.5)) > 0
    if func is ATTENTION:
        return float(named.get("dropout_p", args[DROPOUT_PLACE] if len(args) > DROPOUT_PLACE else 0.0)) > 0
    return False
