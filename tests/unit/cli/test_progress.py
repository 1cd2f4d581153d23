"""The line that says how far a run has got: it differs exactly when the run got further."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from neuromf.cli.app import app
from neuromf.cli.progress import ProgressFile
from neuromf.errors import InputError
from tests.support.tiny_run import TINY, allow_blocked


@pytest.fixture
def file(tmp_path):
    return tmp_path / "progress"


def note(file, scans=0, steps=None):
    """What the file holds after a turn that ends so."""
    progress = ProgressFile(file)
    progress.check()
    progress.scans = scans
    progress.note(steps)
    return file.read_text()


def test_latents_come_before_steps(file):
    """A turn that made latents, and one that made steps."""
    assert note(file, scans=3) == "scans 3\n"
    assert note(file, scans=12) == "scans 12\n"
    assert note(file, scans=12, steps=2) == "step 2\n"
    assert note(file, steps=10) == "step 10\n"


@pytest.mark.parametrize("former", ["scans 9\n", "step 4\n"])
def test_a_turn_that_got_no_further_leaves_the_line(file, former):
    """One that ended while everything was imported has counted nothing."""
    file.write_text(former)
    assert note(file, scans=0) == former
    assert note(file, scans=9) == former


def test_a_step_that_was_made_before_is_none(file):
    """A resume from an earlier checkpoint that ends where the turn before did, or before."""
    file.write_text("step 9\n")
    assert note(file, steps=9) == "step 9\n"
    assert note(file, steps=8) == "step 9\n"
    assert note(file, steps=10) == "step 10\n"


@pytest.mark.parametrize("text", ["", "step\n", "mile 3\n", "step x\n", "\xff"])
def test_a_line_that_is_none_of_ours_is_written_over(file, text):
    """A file torn by a full disk must not stop the next turn."""
    file.write_text(text, encoding="latin-1")
    assert note(file, steps=1) == "step 1\n"


def test_nothing_is_written_where_nobody_asked(tmp_path):
    """Without --progress."""
    ProgressFile().note(3)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_refused_first(tmp_path):
    """Not when the training is over."""
    with pytest.raises(InputError, match="--progress"):
        ProgressFile(tmp_path / "absent" / "file").check()


def test_the_command_notes_the_step_at_its_end(tmp_path, file, trained):
    """However the training ended."""
    run = ["train", "smoke", "--out", str(tmp_path / "run"), "--device", "cpu", *allow_blocked(*TINY)]
    assert CliRunner().invoke(app, [*run, "--progress", str(file)]).exit_code == 0
    assert file.read_text() == "step 1\n"
