"""A training with two workers that ends badly in its second step: `dying_trainer RUN LATENTS HOW`.

Prints the workers' process ids, one a line, before anything happens. HOW is an exception's name, raised in the step, or
`worker-exits-0`, `worker-is-killed`, `trainer-is-killed`.
"""

from __future__ import annotations

import builtins
import multiprocessing
import os
import signal
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from neuromf.flow.objective import Batch
from neuromf.training.batches.source import BatchSource
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from neuromf.training.step.train_step import StepRecord
from tests.support.tiny_run import make_tiny_config

STEPS_LEFT = ("training.epochs=400",)
"""So many that no worker is at its end when the training is."""


def draw_until_exit(code: int) -> None:
    """Let whoever draws a later step's batches leave without a word, in a worker."""
    drawn, trainer = BatchSource.draw, os.getpid()

    def draw(self: BatchSource, step: int, start: int, count: int) -> Batch:
        if step >= 4 and os.getpid() != trainer:
            os._exit(code)
        return drawn(self, step, start, count)

    BatchSource.draw = draw  # type: ignore[method-assign]


def end(how: str, record: StepRecord) -> None:
    """In the second step, what was asked for."""
    if record.row["step"] != 1:
        return
    workers = multiprocessing.active_children()
    print(*(worker.pid for worker in workers), sep="\n", flush=True)
    if how == "worker-is-killed":
        os.kill(workers[0].pid or 0, signal.SIGKILL)
    elif how == "trainer-is-killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif not how.startswith("worker-exits"):
        raise getattr(builtins, how)("in the step")


if __name__ == "__main__":
    torch.set_num_threads(1)
    run, latents, how = Path(sys.argv[1]), load_file(sys.argv[2])["latents"], sys.argv[3]
    if how.startswith("worker-exits"):
        draw_until_exit(int(how[-1]))
    config = make_tiny_config(*STEPS_LEFT)
    folder = create_run(run, config, "")
    train(config, latents, folder, device=torch.device("cpu"), workers=2, on_step=lambda record: end(how, record))
