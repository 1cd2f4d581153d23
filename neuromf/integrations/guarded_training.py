"""What the callbacks of all libraries share: a guard with its looks for silent faults, from begin to end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, SupportsFloat

from neuromf.any_loop.guard import Guard
from neuromf.any_loop.silent.average_watch import Decay
from neuromf.any_loop.silent.training_watch import TrainingWatch
from neuromf.any_loop.silent.watching import watch_training
from neuromf.any_loop.verdict import LoopVerdict

LOG = logging.getLogger("neuromf")


class GuardedTraining:
    """Holds the guard of a training that a library runs.

    Args:
        folder: of the record; None keeps none.
        raw: name of the raw loss in what the library tells, where there is one besides its own; that one is judged.
        ema: average of the weights, if there is one.
        decay: of that average.
        idle: beginnings of the names of parameters that may stand still.
        options: of the guard, see `neuromf.Guard`.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        raw: str | None = None,
        ema: Any = None,  # noqa: ANN401
        decay: Decay = None,
        idle: Sequence[str] = (),
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__()
        self._folder, self._raw, self._options = folder, raw, options
        self._average = {"ema": ema, "decay": decay, "idle": idle}
        self.guard: Guard | None = None
        self.watch: TrainingWatch | None = None
        self.verdict: LoopVerdict | None = None
        """The latest one."""

    def _begin(self, *, over_ranks: bool) -> Guard:
        self.guard = Guard(self._folder, over_ranks=over_ranks, **self._options)
        return self.guard

    def _watch(self, model: Any, optimizer: Any, *, over_ranks: bool) -> None:  # noqa: ANN401
        self.watch = watch_training(model, optimizer, guard=self.guard, over_ranks=over_ranks, **self._average)

    def _judged(self, loss: SupportsFloat, where: str = "", **told: Any) -> bool:  # noqa: ANN401
        """Judge a step, log what is new, and say whether the training should stop."""
        assert self.guard is not None
        self.verdict = self.guard.step(loss, **told)
        for alarm in self.verdict.fresh:
            LOG.warning("neuromf: %s%s", where, self.verdict.sentence(alarm))
        return self.verdict.stop

    def _end(self) -> None:
        """The record says that the loop is over, and the optimiser's hooks come off."""
        if self.guard is not None:
            self.guard.close()
        if self.watch is not None:
            self.watch.close()
