"""A user's module in a folder of its own, which is the current one."""

from __future__ import annotations

import importlib
import linecache
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NAME = "users_own_nets"
SOURCE = (Path(__file__).parent / "nets.py").read_text(encoding="utf-8")
"""Of the networks that a configuration may name."""


@pytest.fixture
def users_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """A function that writes the module, which is imported anew, and gives its name."""
    folder = tmp_path / "users"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])

    def write(text: str) -> str:
        (folder / f"{NAME}.py").write_text(text, encoding="utf-8")
        _forget()
        return NAME

    yield write
    _forget()


def _forget() -> None:
    sys.modules.pop(NAME, None)
    linecache.clearcache()
    importlib.invalidate_caches()
