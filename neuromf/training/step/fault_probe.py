"""Looks for silent faults around one optimiser step.

Without a transfer from the device of its own, unless a parameter stood still and the reason has to be looked up.
"""

from __future__ import annotations

import torch
from neuromf_spec.laws.silent_faults import judged_step
from torch import Tensor

from neuromf.config.schema import Config
from neuromf.monitor.checks.coverage import at_rest, coverage, unmoved
from neuromf.monitor.checks.step_checks import (
    StepChecks,
    average_motion,
    average_updates,
    fingerprint,
    own_count,
    stale_gradients,
)
from neuromf.monitor.moments import batch_moments
from neuromf.training.step.optimiser import gradients
from neuromf.training.step.state import TrainState


class FaultProbe:
    """Takes notes before, during and after a step that is judged; does nothing in the others.

    Args:
        state: the trainer's state before the step.
        config: the run.
    """

    def __init__(self, state: TrainState, config: Config) -> None:
        self._state, self._config = state, config
        self.active = config.training.monitors and judged_step(state.step)
        self.first = self.active and state.step == 0
        self._parameters = state.parameters
        self._stale = 0
        self._average: list[Tensor] = []
        self._moved: list[Tensor] = []
        self._learning_rate = 0.0

    def before_backward(self) -> None:
        """Gradients must be cleared."""
        if self.active:
            self._stale = stale_gradients(self._parameters)

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
        self._moved, self._learning_rate = moved, learning_rate
        present = [parameter.detach().float() for parameter in self._parameters]
        readings = {
            "at_rest": at_rest(moved),
            # Adam leaves the gradients as it was given them.
            "clipped_norm": torch.nn.utils.get_total_norm(gradients(self._state.parameters)),
            "counted": own_count(self._state.optimiser, present[0].device),
        }
        if self._average:
            readings |= average_motion(self._average, list(self._state.ema.shadow.values()), present)
        # A process that is alone has no replica to part from.
        group, alone = self._state.group, present[0].new_zeros(1)
        apart = group.count_mismatches(fingerprint(self._parameters)) if group.size > 1 else alone
        return readings | {f"rank.{rank}": count for rank, count in enumerate(apart)}

    def result(self, readings: dict[str, float], sums: dict[str, float]) -> StepChecks | None:
        """What was found, from the values that were read back."""
        if not self.active:
            return None
        ranks, decay = [name for name in readings if name.startswith("rank.")], self._config.ema.decay
        return StepChecks(
            coverage=coverage(self._state.model, self._state.optimiser, self._still(readings)),
            stale=self._stale,
            recorded=self._state.step,
            counted=int(readings["counted"]),
            average_updates=None if decay is None else average_updates(readings, decay),
            differing=tuple(int(readings[name]) for name in ranks),
            norm=sums["grad_norm"],
            clipped_norm=readings["clipped_norm"],
            moments={name: value for name, value in sums.items() if name.startswith("data.")},
        )

    def _still(self, readings: dict[str, float]) -> int:
        """Parameters whose step should have been seen; nothing need be asked where each of them moved."""
        if not readings["at_rest"]:
            return 0
        return int(unmoved(self._parameters, self._moved, self._learning_rate, self._config.training.adam_eps))
