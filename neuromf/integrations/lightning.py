"""The guard as a callback of Lightning: `Trainer(callbacks=[GuardCallback("run")])`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from neuromf.integrations.guarded_training import GuardedTraining

try:
    from lightning.pytorch import Callback
except ImportError:  # the same library under its other name
    from pytorch_lightning import Callback


class LightningGuard(GuardedTraining, Callback):
    """Guards `Trainer.fit`: stops it, keeps the record, and goes on from Lightning's own checkpoints.

    The loss is what `training_step` returns. `raw` names a loss that it logs or returns besides, before it is weighted;
    that one is judged. What is wrong is logged once, and `trainer.should_stop` ends the training after the step.

    Arguments are those of `GuardedTraining`.
    """

    def __init__(self, folder: str | Path | None = None, **options: Any) -> None:  # noqa: ANN401
        super().__init__(folder, **options)
        self._state: dict[str, Any] | None = None
        self._norm: torch.Tensor | None = None
        self._evaluation = ExitStack()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401
        """Begin, or go on from the checkpoint that Lightning has loaded."""
        several = trainer.world_size > 1
        guard = self._begin(over_ranks=several)
        self._watch(pl_module, trainer.optimizers, over_ranks=several)
        if self._state is not None:
            guard.load_state_dict(self._state)

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
        rate, step = rates[0] if rates else None, trainer.global_step
        if self._judged(loss, raw_loss=raw, grad_norm=self._norm, lr=rate, global_step=step):
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
        self._end()

    def state_dict(self) -> dict[str, Any]:
        """What Lightning saves with its checkpoint."""
        return self.guard.state_dict() if self.guard is not None else self._state or {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """What Lightning read from its checkpoint."""
        self._state = state_dict or None


GuardCallback = LightningGuard
"""Its public name."""
