"""SIGTERM and SIGUSR1: the step is finished and saved, and the run goes on later as if nothing had been."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from tiny_run import make_tiny_config

from neuromf.training.checkpoint import FILES, latest_checkpoint
from neuromf.training.interruption import Interruption
from neuromf.training.loop import Ending, train
from neuromf.training.run_folder import create_run, open_run

CPU = torch.device("cpu")


def run_in(folder, config, latents, **options):
    """Train in a folder, new or to be resumed."""
    run = open_run(folder, config)[0] if options.get("resume") else create_run(folder, config, "")
    return train(config, latents, run, device=CPU, **options)


def files_of(folder):
    """Weights, average, moments, trace and summary."""
    newest = latest_checkpoint(folder).path
    return [(newest / name).read_bytes() for name in FILES] + [
        (folder / name).read_bytes() for name in ("trace.csv", "training_summary.json")
    ]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_ends_a_run_with_a_checkpoint_of_its_step(tmp_path, tiny_config, real_latents, name):
    """A signal in the second step saves after that step, off the schedule; resumed, the run is the undisturbed one."""

    def on_step(record):
        if record.row["step"] == 2:
            os.kill(os.getpid(), signal.Signals[name])

    run_in(tmp_path / "whole", tiny_config, real_latents)
    with Interruption() as interrupted:
        first = run_in(tmp_path / "run", tiny_config, real_latents, on_step=on_step, interrupted=interrupted)
    assert (first.ending, first.step, first.message) == (Ending.INTERRUPTED, 4, name)
    assert latest_checkpoint(tmp_path / "run").step == 4

    second = run_in(tmp_path / "run", tiny_config, real_latents, resume=True)
    assert second.ending is Ending.FINISHED
    assert files_of(tmp_path / "run") == files_of(tmp_path / "whole")


def test_a_signal_in_the_last_step_leaves_a_finished_run(tmp_path, real_latents):
    """There is nothing to queue again."""
    config = make_tiny_config("training.epochs=1", "training.micro_batches_per_epoch=2")
    outcome = run_in(tmp_path / "run", config, real_latents, interrupted=lambda: "SIGTERM")
    assert (outcome.ending, outcome.step) == (Ending.FINISHED, 1)


def test_handlers_are_put_back():
    """After the block a signal has the effect it had before."""
    before = signal.getsignal(signal.SIGTERM)
    with Interruption():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
