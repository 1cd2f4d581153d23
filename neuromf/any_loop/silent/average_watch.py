"""The average of the weights around an update: did it go the way of its closed form, once a step (law EMA-001)?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from neuromf_spec.law import Finding
from torch import Tensor, nn

from neuromf.any_loop.silent.averages import average_values
from neuromf.any_loop.silent.findings import judged
from neuromf.monitor.checks.step_checks import average_motion, average_updates, whole_updates
from neuromf.monitor.guard.alarm import Alarm, Level, alarm_of

Decay = float | Callable[[int], float] | None


class AverageWatch:
    """Copies the average before a step, and judges it when the next one begins.

    Args:
        ema: the average, see `average_values`.
        model: the network that is trained.
        decay: of the average, or that of each of its updates by their number from 0; None where it is not known: then
            it is only seen whether the average goes towards the weights at all.

    Raises:
        InputError: it is no average of this network.
    """

    def __init__(self, ema: Any, model: nn.Module, decay: Decay) -> None:  # noqa: ANN401
        self._ema, self._model, self._decay = ema, model, decay
        self._before: list[Tensor] = []
        self._looking = False
        average_values(ema, model)

    def values(self) -> list[Tensor]:
        """The tensors of the average."""
        return [average for average, _ in average_values(self._ema, self._model)]

    @torch.no_grad()
    def before_step(self) -> None:
        """Keep the average."""
        values = [value.detach() for value in self.values()]
        self._before = self._before or [torch.empty_like(value, dtype=torch.float32) for value in values]
        torch._foreach_copy_(self._before, values)
        self._looking = True

    @torch.no_grad()
    def before_next(self, step: int) -> list[Alarm]:
        """Judge the average after step number `step`, where it was kept before it."""
        if not self._looking:
            return []
        self._looking = False
        pairs = average_values(self._ema, self._model)
        readings = _together([
            average_motion([before], [after.detach().float()], [present.detach().float()])
            for before, (after, present) in zip(self._before, pairs, strict=True)
        ])  # fmt: skip
        decay = self._decay(step) if callable(self._decay) else self._decay
        if decay is None:
            return _towards(readings)
        if not 0 < decay < 1:  # the average is the weights, or stands still on purpose
            return []
        updates = average_updates(readings, decay)
        if updates is None:
            return []
        return judged("EMA-001", decay=decay, ema_updates=whole_updates(updates), optimiser_steps=1)


def _together(parts: Sequence[dict[str, Tensor]]) -> dict[str, float]:
    """The scalars of all tensors from those of each, so that no second set of weights is made."""
    values = {name: torch.stack([part[name].double() for part in parts]) for name in parts[0]}
    return {name: float(of.sum() if name == "average.along" else of.norm()) for name, of in values.items()}


def _towards(readings: dict[str, float]) -> list[Alarm]:
    """Of an average whose decay is not known: every update goes part of the way to the weights."""
    gap, moved, along = readings["average.gap"], readings["average.moved"], readings["average.along"]
    if not gap > 1e-3 * readings["average.size"] or moved == 0:  # kept every few steps, perhaps
        return []
    if math.isfinite(moved) and along > 0.9 * gap * moved:
        return []
    detail = "its decay was not told, so it is only seen which way it goes"
    value = f"{along / (gap * moved):.3g}"
    finding = Finding(passed=False, value=value, bound="> 0.9", unit="of its motion goes to the weights", detail=detail)
    return [alarm_of("EMA-001", Level.WARN, finding)]
