"""Batches that arrive empty: a network's inputs that are one number all over, where they varied before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neuromf.any_loop.rules.words import FLAT_INPUT, warning
from neuromf.monitor.guard.alarm import Alarm


class InputLook:
    """Counts forward passes in training mode of which every input is flat, on their device: nothing waits for it.

    Inputs are floating tensors of two dimensions or more, for times and weights of a batch may well be equal. A network
    whose input never varies, as one that is given a constant on purpose, is not spoken of.

    Args:
        model: the network.
    """

    def __init__(self, model: nn.Module) -> None:
        self._handle = model.register_forward_pre_hook(self._see, with_kwargs=True)
        self._varied: Tensor | None = None
        self._flat: Tensor | None = None
        self._passes = 0

    @torch.no_grad()
    def _see(self, model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if torch.compiler.is_compiling() or not model.training:
            return
        inputs = [value for value in (*args, *kwargs.values()) if _is_seen(value)]
        if not inputs:
            return
        spans = [value.detach().aminmax() for value in inputs]
        flat = torch.stack([(span.min == span.max).to(inputs[0].device) for span in spans]).all()
        if self._varied is None or self._flat is None or self._varied.device != flat.device:
            self._varied, self._flat = torch.zeros_like(flat), torch.zeros_like(flat, dtype=torch.long)
        self._flat += flat & self._varied
        self._varied |= ~flat
        self._passes += 1

    def look(self) -> list[Alarm]:
        """What was flat since the last look."""
        count, passes = int(self._flat) if self._flat is not None else 0, self._passes
        self._passes = 0
        if self._flat is not None:
            self._flat.zero_()
        if not count:
            return []
        said = f"{count} of {passes} forward passes had an input that is one number all over, and others had not"
        return [warning(FLAT_INPUT, said, f"{count} of {passes} passes", "0")]

    def off(self) -> None:
        """Look no longer."""
        self._handle.remove()


def _is_seen(value: Any) -> bool:  # noqa: ANN401
    """Whether a value is an input that can be looked at; a derivative that is under way hides its numbers."""
    return (
        type(value) is Tensor and value.is_floating_point() and value.dim() > 1 and value.numel() > 1
        and not torch._C._functorch.is_functorch_wrapped_tensor(value)
    )  # fmt: skip
