"""A disk that is full or may not be written: one sentence, and what was saved before is whole."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from neuromf.config import config_hash
from neuromf.errors import InputError
from neuromf.training.checkpoints import checkpoint
from neuromf.training.checkpoints import folders as checkpoint_folders
from neuromf.training.checkpoints.checkpoint import FILES, latest_checkpoint, read_checkpoint, save_checkpoint
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run, open_run
from neuromf.training.step.state import initial_state

CPU = torch.device("cpu")
POINTS = 10
"""What the writer asks of the disk before the checkpoint has its name: a folder, three files of tensors, the
description, and the flush of these five."""


@pytest.fixture
def state(tiny_config):
    return initial_state(tiny_config, (1.0,) * 4, CPU)


def contents(folder):
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Refusing:
    """Lets some calls pass, then raises the error each time."""

    def __init__(self, passes: int, code: int) -> None:
        self.left, self.code = passes, code

    def wrap(self, function):
        """The function, counted."""

        def counted(*arguments, **options):
            self.left -= 1
            if self.left < 0:
                raise OSError(self.code, os.strerror(self.code), str(arguments[0]))
            return function(*arguments, **options)

        return counted

    def take_over(self, patch):
        """Count everything that the writer asks of the disk."""
        points = ((checkpoint, "save_file"), (Path, "mkdir"), (Path, "write_text"), (checkpoint, "flush"),
                  (checkpoint_folders, "flush"))  # fmt: skip
        for owner, name in points:
            patch.setattr(owner, name, self.wrap(getattr(owner, name)))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS], ids=["full", "read-only"])
@pytest.mark.parametrize("passes", range(POINTS))
def test_a_refusal_at_any_write_keeps_the_checkpoint_before(tmp_path, tiny_config, state, monkeypatch, passes, code):
    """Whatever write is refused, the sentence says so, nothing of the new checkpoint stays and the old one is whole."""
    save_checkpoint(tmp_path, state, config_hash(tiny_config))
    before = contents(tmp_path)
    state.step = 1
    refusing = Refusing(passes, code)
    refusing.take_over(monkeypatch)

    with pytest.raises(InputError, match=os.strerror(code)):
        save_checkpoint(tmp_path, state, config_hash(tiny_config))

    assert contents(tmp_path) == before


def test_a_refusal_after_the_last_write_leaves_both_checkpoints_whole(tmp_path, tiny_config, state, monkeypatch):
    """The one thing asked after those above is the flush of the new name: refused, it takes nothing away."""
    save_checkpoint(tmp_path, state, config_hash(tiny_config))
    state.step = 1
    refusing = Refusing(POINTS, errno.EIO)
    refusing.take_over(monkeypatch)

    with pytest.raises(InputError, match=os.strerror(errno.EIO)):
        save_checkpoint(tmp_path, state, config_hash(tiny_config))

    assert refusing.left == -1
    assert [read_checkpoint(path).step for path in checkpoint_folders.checkpoint_folders(tmp_path)] == [1, 0]


@contextmanager
def files_limited_to(size):
    """Writes beyond a file size fail, as the system itself refuses them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_training_whose_disk_refuses_goes_on_later(tmp_path, tiny_config, real_latents):
    """The system refuses a checkpoint's file in mid-run; with room again, the run ends in the undisturbed bytes."""
    train(tiny_config, real_latents, create_run(tmp_path / "whole", tiny_config, ""), device=CPU)
    run = create_run(tmp_path / "run", tiny_config, "")
    train(tiny_config, real_latents, run, device=CPU, max_steps=2)
    saved = contents(run.root / "checkpoints")

    with files_limited_to(16_384), pytest.raises(InputError, match="File too large"):
        train(tiny_config, real_latents, run, device=CPU, resume=True)
    assert contents(run.root / "checkpoints") == saved

    train(tiny_config, real_latents, open_run(run.root, tiny_config)[0], device=CPU, resume=True)
    for folder in ("whole", "run"):
        assert latest_checkpoint(tmp_path / folder).step == 6
    for name in FILES:
        pair = [(latest_checkpoint(tmp_path / folder).path / name).read_bytes() for folder in ("whole", "run")]
        assert pair[0] == pair[1]
    assert (tmp_path / "whole" / "trace.csv").read_bytes() == run.trace.read_bytes()


@pytest.fixture
def open_folder():
    """A folder that other users may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def without_privilege():
    """As a user whom permissions bind, for they do not bind root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_run_folder_that_may_not_be_written_is_refused(open_folder, tiny_config, real_latents):
    """Resuming in a read-only folder is a sentence with its path, and nothing in it is changed."""
    run = create_run(open_folder / "run", tiny_config, "")
    train(tiny_config, real_latents, run, device=CPU, max_steps=2)
    for path in (run.root, *run.root.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = contents(run.root)

    with without_privilege(), pytest.raises(InputError, match="Permission denied") as caught:
        train(tiny_config, real_latents, run, device=CPU, resume=True)

    assert str(run.root) in caught.value.sentence
    assert contents(run.root) == before
