"""Folders that appear whole or not at all."""

import pytest

from neuromf.data.staging import staged_directory
from neuromf.errors import InputError


def test_success_leaves_the_folder_alone(tmp_path):
    """After success there is the folder with its content, and no temporary one."""
    with staged_directory(tmp_path / "a" / "out") as folder:
        (folder / "x").write_text("1")
        assert not (tmp_path / "a" / "out").exists()
    assert (tmp_path / "a" / "out" / "x").read_text() == "1"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["out"]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_nothing(tmp_path, interruption):
    """An exception or Ctrl-C half-way leaves neither the folder nor a temporary one."""

    def interrupted():
        with staged_directory(tmp_path / "out") as folder:
            (folder / "x").write_text("1")
            raise interruption

    with pytest.raises(interruption):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_empty_folder_is_taken(tmp_path):
    """An empty folder of that name may be there already."""
    (tmp_path / "out").mkdir()
    with staged_directory(tmp_path / "out") as folder:
        (folder / "x").touch()
    assert (tmp_path / "out" / "x").exists()


def test_occupied_output_is_refused_and_kept(tmp_path):
    """A folder with content or a file is an InputError and stays as it was."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for name in ("folder", "file"):
        with pytest.raises(InputError, match="already exists"), staged_directory(tmp_path / name):
            pass
    assert (tmp_path / "folder" / "mine").read_text() == (tmp_path / "file").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 2


def test_output_that_appeared_meanwhile_is_kept(tmp_path):
    """What another process put there during the work is not written over."""

    def overtaken():
        with staged_directory(tmp_path / "out"):
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "theirs").write_text("first")

    with pytest.raises(InputError, match="already exists"):
        overtaken()
    assert (tmp_path / "out" / "theirs").read_text() == "first"


def test_unwritable_parent_is_refused(tmp_path):
    """A parent that is a file is an InputError."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"), staged_directory(tmp_path / "file" / "out"):
        pass
