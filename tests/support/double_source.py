"""The trainer's own batches in float64."""

from __future__ import annotations

from dataclasses import dataclass, replace

from neuromf.flow.batch import Batch
from neuromf.training.batches.source import BatchSource


@dataclass(frozen=True)
class DoubleSource(BatchSource):
    """The trainer's batches, widened to float64 after they are drawn."""

    def draw(self, step: int, start: int, count: int) -> Batch:
        """As the trainer draws them."""
        batch = super().draw(step, start, count)
        return replace(batch, **{name: getattr(batch, name).double() for name in ("x", "e", "r_B", "t_B")})
