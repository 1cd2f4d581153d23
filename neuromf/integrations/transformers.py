"""The guard as a callback of transformers: `Trainer(..., callbacks=[GuardCallback("run")])`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from neuromf.any_loop.guard import Guard
from neuromf.any_loop.silent.average_watch import Decay
from neuromf.any_loop.silent.training_watch import TrainingWatch
from neuromf.any_loop.silent.watching import watch_training
from neuromf.any_loop.verdict import LoopVerdict
from neuromf.errors import InputError

LOG = logging.getLogger("neuromf")
STATE_FILE = "neuromf_guard.json"
"""In each checkpoint of the trainer."""


class TransformersGuard(TrainerCallback):
    """Guards `Trainer.train`: stops it, keeps the record, and goes on from the trainer's own checkpoints.

    A step of the guard is a log of the trainer: `logging_steps` of 1 to 10 serve it best. The trainer leaves losses
    that are not finite out of its logs unless `logging_nan_inf_filter=False`; the gradient's norm shows them anyway.

    Args:
        folder: of the record; None keeps none.
        raw: name of the raw loss in the logs, where the trainer logs one besides its own.
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
        self._folder, self._raw, self._options = folder, raw, options
        self._average = {"ema": ema, "decay": decay, "idle": idle}
        self.guard: Guard | None = None
        self.watch: TrainingWatch | None = None
        self.verdict: LoopVerdict | None = None
        """The latest one."""

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **kwargs: Any  # noqa: ANN401
    ) -> None:  # fmt: skip
        """Begin, or go on from the state in the checkpoint that the trainer has loaded."""
        self.guard = Guard(self._folder, **self._options)  # the logs are the same on every rank
        if model is not None and optimizer is not None:
            replicas = args.world_size > 1 and not getattr(args, "fsdp", None) and not getattr(args, "deepspeed", None)
            self.watch = watch_training(model, optimizer, guard=self.guard, over_ranks=bool(replicas), **self._average)
        if state.global_step:
            self.guard.load_state_dict(_kept(args, state.global_step))

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any  # noqa: ANN401
    ) -> None:  # fmt: skip
        """Judge what the trainer logs of its steps; a log of an evaluation has no `loss`."""
        told = dict(logs or {})
        if self.guard is None or "loss" not in told:
            return
        raw = told.get(self._raw) if self._raw is not None else None
        self.verdict = self.guard.step(
            told["loss"], raw_loss=raw, grad_norm=told.get("grad_norm"), lr=told.get("learning_rate"),
            global_step=state.global_step,
        )  # fmt: skip
        for alarm in self.verdict.fresh:
            LOG.warning("neuromf: global step %d, %s", state.global_step, self.verdict.sentence(alarm))
        if self.verdict.stop:
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """The guard's state stands in the checkpoint that was just written."""
        folder = _checkpoint(args, state.global_step)
        if self.guard is not None and state.is_world_process_zero and folder.is_dir():
            (folder / STATE_FILE).write_text(json.dumps(self.guard.state_dict()), encoding="utf-8")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """The record says that the loop is over."""
        if self.guard is not None:
            self.guard.close()
        if self.watch is not None:
            self.watch.close()


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
