"""Looks for silent faults around one optimiser step, without a transfer from the device of its own."""

from __future__ import annotations

import torch
from torch import Tensor

from neuromf.config.schema import Config
from neuromf.monitor.coverage import coverage, unmoved
from neuromf.monitor.moments import batch_moments
from neuromf.monitor.step_checks import (
    StepChecks,
    average_motion,
    average_updates,
    fingerprint,
    own_count,
    stale_gradients,
)
from neuromf.train.state import TrainState
from spec.laws.silent_faults import judged_step


class StepObserver:
    """Takes notes before, during and after a step that is judged; does nothing in the others.

    Args:
        state: the trainer's state before the step.
        config: the run.
    """

    def __init__(self, state: TrainState, config: Config) -> None:
        self._state, self._config = state, config
        self._first_update = state.step + 1
        self.active = config.training.monitors and judged_step(state.step)
        self.first = self.active and state.step == 0
        self._stale = 0
        self._average: list[Tensor] = []

    def before_backward(self) -> None:
        """Gradients must be cleared."""
        if self.active:
            self._stale = stale_gradients(self._state.model)

    def data_sums(self, x: Tensor) -> dict[str, Tensor]:
        """Moments of a micro-batch of the run's first step."""
        return batch_moments(x) if self.first else {}

    def before_update(self) -> None:
        """Keep the average, to see how far it goes."""
        if self.active:
            self._average = [value.clone() for value in self._state.ema.shadow.values()]

    @torch.no_grad()
    def after_update(self, moved: list[Tensor], learning_rate: float) -> dict[str, Tensor]:
        """Scalars to be read back with those of the trace.

        Args:
            moved: how far each parameter went.
            learning_rate: of the step; 0 where it was not applied.
        """
        if not self.active:
            return {}
        model, parameters = self._state.model, list(self._state.model.parameters())
        present = [parameter.detach().float() for parameter in parameters]
        readings = {
            "still": unmoved(parameters, moved, learning_rate, self._config.training.adam_eps),
            "counted": own_count(self._state.optimiser, present[0].device),
            **average_motion(self._average, list(self._state.ema.shadow.values()), present),
        }
        apart = self._state.world.apart(fingerprint(model))
        return readings | {f"rank.{rank}": count for rank, count in enumerate(apart)}

    def result(self, readings: dict[str, float], sums: dict[str, float]) -> StepChecks | None:
        """What was found, from the values that were read back."""
        if not self.active:
            return None
        ranks = [name for name in readings if name.startswith("rank.")]
        return StepChecks(
            coverage=coverage(self._state.model, self._state.optimiser, int(readings["still"])),
            stale=self._stale,
            recorded=self._state.step,
            counted=int(readings["counted"]),
            average_updates=average_updates(readings, self._config.ema.decay),
            differing=tuple(int(readings[name]) for name in ranks),
            moments={name: value for name, value in sums.items() if name.startswith("data.")},
        )
