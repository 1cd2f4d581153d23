"""The guard as a callback of Lightning: `Trainer(callbacks=[GuardCallback("run")])`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from neuromf.any_loop.guard import Guard
from neuromf.any_loop.silent.average_watch import Decay
from neuromf.any_loop.silent.training_watch import TrainingWatch
from neuromf.any_loop.silent.watching import watch_training
from neuromf.any_loop.verdict import LoopVerdict

try:
    from lightning.pytorch import Callback
except ImportError:  # the same library under its other name
    from pytorch_lightning import Callback

LOG = logging.getLogger("neuromf")


class LightningGuard(Callback):
    """Guards `Trainer.fit`: stops it, keeps the record, and goes on from Lightning's own checkpoints.

    The loss is what `training_step` returns. `raw` names a loss that it logs or returns besides, before it is weighted;
    that one is judged. What is wrong is logged once, and `trainer.should_stop` ends the training after the step.

    Args:
        folder: of the record; None keeps none.
        raw: key of the raw loss in what `training_step` returns.
        ema: average of the weights, if the module keeps one.
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
        self._state: dict[str, Any] | None = None
        self._norm: torch.Tensor | None = None
        self._evaluation = ExitStack()
        self.guard: Guard | None = None
        self.watch: TrainingWatch | None = None
        self.verdict: LoopVerdict | None = None
        """The latest one."""

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401
        """Begin, or go on from the checkpoint that Lightning has loaded."""
        several = trainer.world_size > 1
        self.guard = Guard(self._folder, over_ranks=several, **self._options)
        self.watch = watch_training(
            pl_module, trainer.optimizers, guard=self.guard, over_ranks=several, **self._average
        )
        if self._state is not None:
            self.guard.load_state_dict(self._state)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:  # noqa: ANN401
        """The gradient before Lightning clips it."""
        found = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        self._norm = torch.nn.utils.get_total_norm(found) if found else None

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int  # noqa: ANN401
    ) -> None:  # fmt: skip
        """Judge the step."""
        told = outputs if isinstance(outputs, Mapping) else {"loss": outputs}
        if self.guard is None or told.get("loss") is None:  # the module made no step of this batch
            return
        # Lightning hands over the loss divided by the batches over which it accumulates.
        loss = told["loss"] * trainer.accumulate_grad_batches
        raw = told.get(self._raw) if self._raw is not None else None
        rates = [group["lr"] for optimizer in trainer.optimizers[:1] for group in optimizer.param_groups[:1]]
        self.verdict = self.guard.step(
            loss, raw_loss=raw, grad_norm=self._norm, lr=rates[0] if rates else None, global_step=trainer.global_step
        )
        for alarm in self.verdict.fresh:
            LOG.warning("neuromf: %s", self.verdict.sentence(alarm))
        if self.verdict.stop:
            trainer.should_stop = True

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401
        """Weights and buffers are looked at before a validation."""
        if self.watch is not None and not trainer.sanity_checking:
            self._evaluation.enter_context(self.watch.evaluation())

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401
        """And after it."""
        self._evaluation.close()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401
        """The record says that the loop is over."""
        if self.guard is not None:
            self.guard.close()
        if self.watch is not None:
            self.watch.close()

    def state_dict(self) -> dict[str, Any]:
        """What Lightning saves with its checkpoint."""
        return self.guard.state_dict() if self.guard is not None else self._state or {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """What Lightning read from its checkpoint."""
        self._state = state_dict or None


GuardCallback = LightningGuard
"""Its public name."""
