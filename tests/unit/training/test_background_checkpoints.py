"""Checkpoints that are written while the training goes on: what is in them, one at a time, and how they fail."""

from __future__ import annotations

import csv
import json
import threading
import time

import pytest
import torch

from neuromf.errors import InputError
from neuromf.training import run_writer
from neuromf.training.checkpoints import background, checkpoint
from neuromf.training.checkpoints.background import BackgroundWriter
from neuromf.training.checkpoints.checkpoint import read_checkpoint, snapshot, write_checkpoint
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from neuromf.training.step.state import initial_state

CPU = torch.device("cpu")


@pytest.fixture
def state(tiny_config):
    return initial_state(tiny_config, (1.0,) * 4, CPU)


class Slow:
    """A disk that takes its time: a write ends when it is let go."""

    def __init__(self):
        self.begun, self.free = threading.Semaphore(0), threading.Semaphore(0)
        self.done, self.costs = [], []

    def write(self, taken):
        """Wait until the test lets it end."""
        self.begun.release()
        self.free.acquire()
        self.done.append(taken.step)


@pytest.mark.law("CKPT-001")
def test_what_is_saved_is_the_state_when_it_was_asked_for(tmp_path, state):
    """Weights, average and guard that move on while the disk works do not move in the checkpoint."""
    expected = {name: value.clone() for name, value in state.model.state_dict().items()}
    guard = json.dumps(state.guard.state())
    taken = snapshot(state, "0" * 64)
    with torch.no_grad():
        for value in (*state.model.parameters(), *state.ema.shadow.values()):
            value.add_(1.0)
    state.step = 7
    kept = {name: value.clone() for name, value in taken.tensors["model.safetensors"].items()}
    found = read_checkpoint(write_checkpoint(tmp_path, taken))
    assert (found.step, json.dumps(found.state["guard"])) == (0, guard)
    assert all(torch.equal(kept[name], value) for name, value in expected.items())
    again = snapshot(state, "0" * 64, former=taken)
    for name, value in state.model.state_dict().items():
        assert torch.equal(again.tensors["model.safetensors"][name], value)
        assert again.tensors["model.safetensors"][name] is taken.tensors["model.safetensors"][name]


@pytest.mark.law("CKPT-001")
def test_the_training_does_not_wait_for_the_disk():
    """A save comes back while its write is under way; the next one waits for it, and they end in order."""
    disk = Slow()
    with BackgroundWriter(disk.write, disk.costs.append) as writer:
        writer.save(lambda _: checkpoint.Snapshot(1, {}, {}))
        disk.begun.acquire()
        assert disk.done == []
        writer.check()
        assert disk.costs == []
        disk.free.release(2)
        writer.save(lambda _: checkpoint.Snapshot(2, {}, {}))
        assert disk.done[:1] == [1]
    assert disk.done == [1, 2]
    assert [cost.step for cost in disk.costs] == [1, 2]


def refuse(_taken):
    raise InputError("cannot be written (No space left on device)", remedy="make room")


@pytest.mark.parametrize("noticed", ["check", "settle", "save", "exit"])
def test_a_disk_that_refuses_is_told_once(noticed):
    """At the next step, the next checkpoint, or the end; it is not lost, and what follows is not blamed for it."""
    with pytest.raises(InputError, match="No space left"):
        save_and(noticed)


def save_and(noticed):
    """Save where the disk refuses, and go on until it is noticed."""
    with BackgroundWriter(refuse, [].append) as writer:
        writer.save(lambda _: checkpoint.Snapshot(1, {}, {}))
        if noticed == "check":
            writer._pool.shutdown(wait=True)
            writer.check()
        elif noticed == "settle":
            writer.settle()
        elif noticed == "save":
            writer.save(lambda _: checkpoint.Snapshot(2, {}, {}))
        assert noticed == "exit"


def test_a_training_ends_at_the_step_after_a_checkpoint_was_refused(tmp_path, tiny_config, real_latents, monkeypatch):
    """The sentence of the disk ends it, with the checkpoints before as they were."""
    run = create_run(tmp_path / "run", tiny_config, "")
    real, saved = checkpoint.save_file, []

    def full(tensors, path):
        if "step_00000004" in str(path):
            raise OSError(28, "No space left on device", str(path))
        saved.append(path)
        return real(tensors, path)

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(InputError, match="No space left"):
        train(tiny_config, real_latents, run, device=CPU)
    assert [path.name for path in (run.root / "checkpoints").iterdir()] == ["step_00000002"]


def test_what_each_checkpoint_cost_is_recorded(tmp_path, tiny_config, real_latents):
    """By step: the seconds that the training waited and those of the writing, over a resume too."""
    run = create_run(tmp_path / "run", tiny_config, "")
    train(tiny_config, real_latents, run, device=CPU, max_steps=2)
    train(tiny_config, real_latents, run, device=CPU, resume=True)
    rows = list(csv.DictReader(run.checkpoint_times.read_text().splitlines()))
    assert [row["step"] for row in rows] == ["2", "4", "6"]
    assert all(0 <= float(row["waited_s"]) < 60 and 0 < float(row["written_s"]) < 60 for row in rows)
    assert ",".join(rows[0]) + "\n" == background.HEADER


@pytest.mark.law("CKPT-001")
@pytest.mark.parametrize("steps", [3, 6])
def test_a_last_checkpoint_is_on_disk_before_anyone_is_told(tmp_path, tiny_config, real_latents, monkeypatch, steps):
    """A training that ends, or pauses, waits for its disk: what follows its last step finds the checkpoint there."""
    run, found = create_run(tmp_path / "run", tiny_config, ""), []
    real = run_writer.RunWriter.save

    def saved(self, state, halted="", *, last=False):
        real(self, state, halted, last=last)
        found.append(last and (run.root / "checkpoints" / f"step_{state.step:08d}").is_dir())

    monkeypatch.setattr(run_writer.RunWriter, "save", saved)
    monkeypatch.setattr(checkpoint, "flush", lambda path: time.sleep(0.1))
    train(tiny_config, real_latents, run, device=CPU, max_steps=steps)
    assert found[-1]
