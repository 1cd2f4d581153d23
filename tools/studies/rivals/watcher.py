"""What a loop tells whoever watches it; this one hears nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor, nn


class LoopWatcher:
    """The calls of a loop. A checker in the loop overrides those that its authors ask for."""

    def start(
        self, model: nn.Module, optimizer: Any, *, lr: Callable[[int], float], clip: float, ema: Any = None,  # noqa: ANN401
        decay: float | None = None,
    ) -> None:  # fmt: skip
        """Before the first step."""

    def step(self, loss: Tensor, row: Mapping[str, float], *, skipped: bool = False) -> None:
        """After the backward pass and the clip, before the optimiser's step."""

    def evaluation(self) -> AbstractContextManager[None]:
        """Around an evaluation."""
        return nullcontext()

    def close(self) -> None:
        """After the last step."""
