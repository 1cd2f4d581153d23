"""Folders that appear whole or not at all."""

import errno
import os
import threading

import pytest

from neuromf.data import staging
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

    with pytest.raises(InputError, match="another process has written there meanwhile; choose another folder"):
        overtaken()
    assert (tmp_path / "out" / "theirs").read_text() == "first"


@pytest.mark.parametrize("code", [errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR])
def test_the_loser_of_a_race_to_the_last_moment_is_told_in_one_sentence(tmp_path, monkeypatch, code):
    """The other's folder appears after the last look: what the system says is no traceback, and nothing is lost."""
    replace = os.replace

    def overtaken(source, target):
        os.mkdir(target)
        (tmp_path / "out" / "theirs").write_text("first")
        with pytest.raises(OSError, match="not empty"):
            replace(source, target)
        raise OSError(code, os.strerror(code), source, None, target)

    monkeypatch.setattr(os, "replace", overtaken)
    with pytest.raises(InputError, match="another process has written there meanwhile") as caught:
        fill(tmp_path / "out")
    assert caught.value.file == str(tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "theirs"]


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_disk_that_refuses_the_name_is_not_another_process(tmp_path, monkeypatch, code):
    """It is told as it is, with the folder's name."""

    def refuse(source, target):
        raise OSError(code, os.strerror(code), source, None, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError, match=os.strerror(code)) as caught:
        fill(tmp_path / "out")
    assert caught.value.file == str(tmp_path / "out")
    assert "another process" not in caught.value.sentence
    assert not list(tmp_path.iterdir())


def fill(out, name="x"):
    with staged_directory(out) as folder:
        (folder / name).write_text(name)


@pytest.mark.parametrize("empty", [False, True], ids=["absent", "an empty folder"])
def test_of_many_that_make_one_folder_one_wins_and_the_rest_are_told(tmp_path, monkeypatch, empty):
    """All have looked before the first gets the name."""
    if empty:
        (tmp_path / "out").mkdir()
    together, replace = threading.Barrier(4, timeout=20), os.replace

    def together_replace(source, target):
        together.wait()
        replace(source, target)

    monkeypatch.setattr(staging.os, "replace", together_replace)
    refused = []

    def make(name):
        try:
            fill(tmp_path / "out", name)
        except InputError as error:
            refused.append(error.problem)

    threads = [threading.Thread(target=make, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["another process has written there meanwhile"] * 3
    assert len(list((tmp_path / "out").iterdir())) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_unwritable_parent_is_refused(tmp_path):
    """A parent that is a file is an InputError."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"), staged_directory(tmp_path / "file" / "out"):
        pass


def test_a_link_to_an_empty_folder_is_followed(tmp_path):
    """The link stays one, and the folder that it names is filled."""
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    with staged_directory(tmp_path / "out") as folder:
        (folder / "x").touch()
    assert (tmp_path / "out").is_symlink()
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["x"]


def test_a_link_to_nothing_makes_what_it_names(tmp_path):
    """The folder appears where the link leads."""
    (tmp_path / "out").symlink_to(tmp_path / "real")
    with staged_directory(tmp_path / "out") as folder:
        (folder / "x").touch()
    assert (tmp_path / "real" / "x").exists()


@pytest.fixture
def mount(tmp_path, monkeypatch):
    """A folder that is the top of a mounted file system: it cannot be renamed or replaced."""
    top = tmp_path / "mount"
    top.mkdir()
    (top / "lost+found").mkdir()
    replace = os.replace

    def refuse(source, target):
        if os.path.realpath(target) == str(top):
            raise OSError(16, "Device or resource busy")
        replace(source, target)

    monkeypatch.setattr(os.path, "ismount", lambda path: os.path.realpath(path) == str(top))
    monkeypatch.setattr(os, "replace", refuse)
    return top


def test_an_empty_mount_is_filled_in_place(mount):
    """Beside what the file system itself put there."""
    with staged_directory(mount) as folder:
        (folder / "x").write_text("1")
        (folder / "sub").mkdir()
        (folder / "sub" / "y").touch()
    assert sorted(path.name for path in mount.iterdir()) == ["lost+found", "sub", "x"]


def test_a_failure_leaves_an_empty_mount_empty(mount):
    """Neither half of it, nor a temporary folder."""

    def fail():
        with staged_directory(mount) as folder:
            (folder / "x").touch()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [path.name for path in mount.iterdir()] == ["lost+found"]


def test_a_mount_that_holds_something_is_refused(mount):
    """Before anything is done."""
    (mount / "theirs").touch()
    with pytest.raises(InputError, match="already exists"), staged_directory(mount):
        pytest.fail("the work was begun")


def test_a_mount_that_another_process_fills_meanwhile_is_left_to_it(mount):
    """Its file stays as it is, and none is put beside it."""

    def overtaken():
        with staged_directory(mount) as folder:
            (folder / "x").write_text("mine")
            (mount / "x").write_text("theirs")

    with pytest.raises(InputError, match="another process has written there meanwhile"):
        overtaken()
    assert sorted(path.name for path in mount.iterdir()) == ["lost+found", "x"]
    assert (mount / "x").read_text() == "theirs"
