"""Whatever call to the disk fails, a folder or an entry of the cache is whole or as it was, and nothing is left."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from neuromf.data import cache, cache_entry, staging
from neuromf.data.cache_entry import cached_store
from neuromf.data.latents import open_latents
from neuromf.data.staging import staged_directory
from neuromf.errors import InputError

CALLS = ("mkdir", "replace", "rename")
"""What changes names on a disk; contents are written in between by whoever fills a folder."""


def failing_at(patch, number):
    """Let one call to the disk fail, counted from 0; gives a list of all that were made."""
    made = []

    def counted(name, plain):
        def call(*given, **more):
            made.append(name)
            if len(made) - 1 == number:
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(given[0]))
            return plain(*given, **more)

        return call

    for name in CALLS:
        patch.setattr(os, name, counted(name, getattr(os, name)))
    return made


def every_failure(action, check):
    """Do a thing once for each call that it makes, which fails then; `check` is told whether it ended well."""
    number = 0
    while True:
        with pytest.MonkeyPatch.context() as patch:
            made, ended = failing_at(patch, number), True
            try:
                action()
            except (InputError, OSError):
                ended = False
        failed = number < len(made)
        check(ended)
        if not failed:
            assert ended
            return number
        number += 1


def files(folder):
    return {str(path.relative_to(folder)): path.is_file() and path.read_text() for path in Path(folder).rglob("*")}


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a mount"])
def test_a_folder_is_whole_or_as_it_was(tmp_path, monkeypatch, there):
    """Two files and a folder in it, each by another call."""
    out = tmp_path / "a" / "out"
    monkeypatch.setattr(os.path, "ismount", lambda path: there == "a mount" and str(path) == str(out))

    def start():
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
        if there != "nothing":
            out.mkdir(parents=True)

    def action():
        start()
        with staged_directory(out) as folder:
            (folder / "x").write_text("1")
            Path.mkdir(folder / "sub")
            (folder / "sub" / "y").write_text("2")

    def check(ended):
        left = files(tmp_path / "a") if (tmp_path / "a").exists() else {}
        whole = {"out": False, "out/x": "1", "out/sub": False, "out/sub/y": "2"}
        assert left == whole if ended else left in ({}, {"out": False})

    assert every_failure(action, check) > 3


@pytest.mark.parametrize("before", ["absent", "whole", "damaged"])
def test_an_entry_is_whole_or_known_to_be_damaged(tmp_path, monkeypatch, pristine_store, before):
    """An entry that is handed out verifies; one that could not be made or mended is not handed out."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    entry = tmp_path / "cache" / "entry"
    given = []

    def build(folder):
        shutil.copytree(pristine_store.path, folder / "latents")

    def start():
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        if before != "absent":
            build(entry)
        if before == "damaged":
            next((entry / "latents" / "scans").iterdir()).write_bytes(b"other")
            (entry / "latents" / "manifest.csv").unlink()

    def action():
        given.clear()
        with monkeypatch.context() as patch:
            for name in CALLS:  # the disk fails in what is watched, not in what was there before
                patch.setattr(os, name, PLAIN[name])
            start()
        given.append(cached_store("entry", build).path)

    def check(ended):
        assert bool(given) == ended
        assert [path.name for path in (tmp_path / "cache").glob(".*")] == []
        if ended:
            assert open_latents(given[0]).description == pristine_store.description
            assert given[0] == entry / "latents"
        elif before == "absent":
            assert not entry.exists()

    every_failure(action, check)


PLAIN = {name: getattr(os, name) for name in CALLS}


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        (".x~{host}~{dead}~aa.part", True),
        (".x~{host}~{alive}~aa.part", False),
        (".x~other~{dead}~aa.part", False),
        (".x~{host}~{dead}~aa", False),
        ("x~{host}~{dead}~aa.part", False),
        (".x~{host}~{dead}.part", False),
        (".x~{host}~-1~aa.part", False),
        (".x~{host}~0x1~aa.part", False),
        (".x~{host}~~aa.part", False),
        (".x~y~{host}~{dead}~aa.part", False),
        (".entry-of-the-user", False),
        ("entry", False),
    ],
)
def test_only_the_folders_of_dead_processes_here_are_swept(tmp_path, monkeypatch, name, gone):
    """A folder of a live process, of another machine, or named otherwise is somebody's."""

    def ask(number, signal):
        assert signal == 0
        if number != os.getpid():
            raise ProcessLookupError

    monkeypatch.setattr(staging.os, "kill", ask)
    name = name.format(host=staging.socket.gethostname(), dead=2**22 + 1, alive=os.getpid())
    (tmp_path / name / "deep").mkdir(parents=True)
    swept = staging.sweep_orphans(tmp_path)
    assert swept == ([tmp_path / name] if gone else [])
    assert (tmp_path / name / "deep").exists() != gone


def test_the_cache_builds_beside_its_entries_and_sweeps_there(tmp_path, monkeypatch):
    """A folder being filled lies on the entry's own file system, under a name that a sweep knows as its own."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path))
    swept, built = [], []
    monkeypatch.setattr(cache_entry, "sweep_orphans", swept.append)

    def build(folder):
        built.append(folder)
        raise InputError("stop", remedy="none")

    with pytest.raises(InputError, match="stop"):
        cached_store("entry", build)
    assert swept == [tmp_path] == [folder.parent for folder in built]
    assert staging._is_orphan(built[0].name) is False
    assert built[0].name.startswith(".entry~")
    assert cache.cache_directory() == tmp_path
    assert list(tmp_path.iterdir()) == []
