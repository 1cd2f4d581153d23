"""SIGTERM, SIGUSR1, SIGHUP and Ctrl-C: the step is finished and saved, and the run goes on later undisturbed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest
import torch

from neuromf.training.checkpoints.checkpoint import FILES, latest_checkpoint
from neuromf.training.loop import Ending, train
from neuromf.training.process_group.interruption import APART_S, Interrupted, Interruption
from neuromf.training.records.run_folder import create_run, open_run
from tests.support.tiny_run import make_tiny_config

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


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGHUP", "SIGINT"])
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


LEAVES = """
import os, signal, sys
from neuromf.training.process_group.interruption import listen_early, listening
listen_early()
with listening():
    pass
os.kill(os.getpid(), getattr(signal, sys.argv[1]))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGHUP"])
def test_a_signal_that_comes_as_the_process_leaves_changes_nothing(name):
    """A finished training that ended with 138 would be queued again."""
    ended = subprocess.run([sys.executable, "-c", LEAVES, name], check=False, timeout=60)
    assert ended.returncode == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGHUP", "SIGINT"])
def test_what_has_no_step_to_finish_is_ended_at_once(name):
    """Where the signal comes, not where the block ends; a second one does not disturb what is tidied up."""
    done = []

    def work():
        try:
            os.kill(os.getpid(), signal.Signals[name])
            done.append("went on")
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("tidied up")

    with Interruption() as interrupted, pytest.raises(Interrupted, match=name), interrupted.at_once():
        work()
    assert done == ["tidied up"]
    assert interrupted() == name


def test_a_signal_that_came_before_ends_it_as_it_begins():
    """In the seconds in which everything is imported."""
    with Interruption() as interrupted:
        os.kill(os.getpid(), signal.SIGUSR1)
        with pytest.raises(Interrupted, match="SIGUSR1"), interrupted.at_once():
            pytest.fail("began")


def test_a_signal_whose_error_is_dropped_ends_it_all_the_same():
    """As one that is raised within a callback of C may be."""

    def drop():
        with contextlib.suppress(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)

    with Interruption() as interrupted, pytest.raises(Interrupted, match="SIGTERM"), interrupted.at_once():
        drop()


def test_the_second_ctrl_c_ends_it_and_the_echo_of_the_first_does_not(monkeypatch):
    """What the terminal sends to all comes a second time from torchrun; a person needs longer."""
    told, now = [], [100.0]
    monkeypatch.setattr("neuromf.training.process_group.interruption.time.monotonic", lambda: now[0])
    with Interruption(told.append) as interrupted:
        os.kill(os.getpid(), signal.SIGINT)
        now[0] += APART_S / 2
        os.kill(os.getpid(), signal.SIGINT)
        assert (interrupted(), told) == ("SIGINT", ["SIGINT"])
        now[0] += APART_S
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_what_is_ignored_stays_ignored(name):
    """A shell starts what it runs in the background so, and `nohup` what is to outlive the terminal."""
    number = signal.Signals[name]
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Interruption() as interrupted:
            os.kill(os.getpid(), number)
        assert interrupted() == ""
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
