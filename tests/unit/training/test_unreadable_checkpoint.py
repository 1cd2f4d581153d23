"""A checkpoint that cannot be read is told: it is not damaged, and no older one is trained on in its place."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
import torch

from neuromf.config import config_hash
from neuromf.errors import InputError, UnreadableError
from neuromf.training.checkpoints.checkpoint import FILES, latest_checkpoint, save_checkpoint
from neuromf.training.checkpoints.folders import Retention, checkpoint_folders
from neuromf.training.checkpoints.restore import load_average, restore
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from neuromf.training.step.state import initial_state
from tests.support.unprivileged import shared_folder, without_privilege

CPU = torch.device("cpu")


@pytest.fixture
def state(tiny_config):
    return initial_state(tiny_config, (1.0,) * 4, CPU)


def contents(folder):
    """Every file below a folder."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def two_checkpoints(tiny_config, state):
    """A folder that others may enter, with checkpoints of steps 1 and 2."""
    with shared_folder() as folder:
        for step in (1, 2):
            state.step = step
            newest = save_checkpoint(folder, state, config_hash(tiny_config))
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield folder, newest


@pytest.mark.parametrize("closed", [".", "state.json", *FILES])
def test_the_newest_checkpoint_that_may_not_be_read_is_told(two_checkpoints, closed):
    """The older one can be read, but is not what the run has come to."""
    folder, newest = two_checkpoints
    (newest / closed).chmod(0)
    damaged = []
    with without_privilege(), pytest.raises(UnreadableError, match="Permission denied") as caught:
        latest_checkpoint(folder, damaged)
    assert str(newest) in str(caught.value.file)
    assert damaged == []


def test_checkpoints_whose_folder_may_not_be_listed_are_told(two_checkpoints):
    """None is no answer: the run would start anew."""
    folder, _ = two_checkpoints
    (folder / "checkpoints").chmod(0o311)
    with without_privilege(), pytest.raises(UnreadableError, match="Permission denied"):
        checkpoint_folders(folder)


@pytest.mark.law("CKPT-001")
def test_a_disk_error_is_no_damage(two_checkpoints, monkeypatch):
    """The disk may answer again."""
    folder, newest = two_checkpoints
    read = Path.open

    def refused(path, *arguments, **options):
        if path == newest / "ema.safetensors":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(UnreadableError, match="Input/output error"):
        latest_checkpoint(folder)


def test_a_checkpoint_whose_loss_cannot_be_read_is_not_pruned(two_checkpoints, tiny_config, state, monkeypatch):
    """It may be the best."""
    folder, newest = two_checkpoints
    read = Path.read_text

    def refused(path, *arguments, **options):
        if path.parent == newest and path.name == "state.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", refused)
    for step in (3, 4):
        state.step = step
        save_checkpoint(folder, state, config_hash(tiny_config), rule=Retention(1, 0))
    assert [path.name for path in checkpoint_folders(folder)] == ["step_00000004", "step_00000002"]


def test_a_resume_past_an_unreadable_checkpoint_writes_nothing(tmp_path, tiny_config, real_latents, monkeypatch):
    """From step 2 the run would write step 4 anew over the one that could not be read."""
    run = create_run(tmp_path / "run", tiny_config, "")
    train(tiny_config, real_latents, run, device=CPU, max_steps=4)
    before = contents(run.root)
    newest = checkpoint_folders(run.root)[0]
    read = Path.open

    def refused(path, *arguments, **options):
        if path == newest / "model.safetensors":
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return read(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refused)
        with pytest.raises(InputError, match=os.strerror(errno.ESTALE)):
            train(tiny_config, real_latents, run, device=CPU, resume=True)
    assert contents(run.root) == before


def test_a_checkpoint_is_restored_where_the_file_system_maps_no_files(tmp_path, tiny_config, state, monkeypatch):
    """Weights, moments and the averaged weights are read as bytes."""
    path = save_checkpoint(tmp_path, state, config_hash(tiny_config))

    def refused(path, **options):
        raise OSError("No such device (os error 19)")

    monkeypatch.setattr("safetensors.torch.safe_open", refused)
    other = initial_state(tiny_config, (1.0,) * 4, CPU)
    restore(other, latest_checkpoint(tmp_path), config_hash(tiny_config))
    load_average(path, other.model)
    for one, two in zip(other.model.parameters(), state.ema.shadow.values(), strict=True):
        assert torch.equal(one, two)


def test_what_is_missing_is_still_passed_over(two_checkpoints):
    """A file that is not there is damage: the one before is taken, and told."""
    folder, newest = two_checkpoints
    shutil.rmtree(newest)
    newest.mkdir()
    damaged = []
    assert latest_checkpoint(folder, damaged).step == 1
    assert len(damaged) == 1
