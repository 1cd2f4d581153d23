"""The guard as a callback of transformers: `Trainer(..., callbacks=[GuardCallback("run")])`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from neuromf.errors import InputError
from neuromf.integrations.guarded_training import GuardedTraining

STATE_FILE = "neuromf_guard.json"
"""In each checkpoint of the trainer."""


class TransformersGuard(GuardedTraining, TrainerCallback):
    """Guards `Trainer.train`: stops it, keeps the record, and goes on from the trainer's own checkpoints.

    A step of the guard is a log of the trainer: `logging_steps` of 1 to 10 serve it best. The trainer leaves losses
    that are not finite out of its logs unless `logging_nan_inf_filter=False`; the gradient's norm shows them anyway.

    Arguments are those of `GuardedTraining`.
    """

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **kwargs: Any  # noqa: ANN401
    ) -> None:  # fmt: skip
        """Begin, or go on from the state in the checkpoint that the trainer has loaded."""
        guard = self._begin(over_ranks=False)  # the logs are the same on every rank
        if model is not None and optimizer is not None:
            replicas = args.world_size > 1 and not getattr(args, "fsdp", None) and not getattr(args, "deepspeed", None)
            self._watch(model, optimizer, over_ranks=bool(replicas))
        if state.global_step:
            guard.load_state_dict(_kept(args, state.global_step))

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any  # noqa: ANN401
    ) -> None:  # fmt: skip
        """Judge what the trainer logs of its steps; a log of an evaluation has no `loss`."""
        told = dict(logs or {})
        if self.guard is None or "loss" not in told:
            return
        raw = told.get(self._raw) if self._raw is not None else None
        step = state.global_step
        numbers = {"grad_norm": told.get("grad_norm"), "lr": told.get("learning_rate"), "global_step": step}
        if self._judged(told["loss"], f"global step {step}, ", raw_loss=raw, **numbers):
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """The guard's state stands in the checkpoint that was just written."""
        folder = _checkpoint(args, state.global_step)
        if self.guard is not None and state.is_world_process_zero and folder.is_dir():
            (folder / STATE_FILE).write_text(json.dumps(self.guard.state_dict()), encoding="utf-8")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """The record says that the loop is over."""
        self._end()


def _checkpoint(args: Any, step: int) -> Path:  # noqa: ANN401
    return Path(args.output_dir) / f"checkpoint-{step}"


def _kept(args: Any, step: int) -> dict[str, Any]:  # noqa: ANN401
    """The state in a checkpoint.

    Raises:
        InputError: it was saved without a guard, or is damaged.
    """
    path = _checkpoint(args, step) / STATE_FILE
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        remedy = "begin with a checkpoint that was saved with the guard, or train on without it"
        raise InputError(f"holds no state of the guard ({error})", remedy=remedy, file=path) from error


GuardCallback = TransformersGuard
"""Its public name."""
