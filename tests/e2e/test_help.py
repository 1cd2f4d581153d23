"""Every command explains itself, with whatever versions of typer and rich are installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from neuromf.cli.app import app


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of a command and of all below it."""
    if getattr(command, "hidden", False):  # names that moved, which hand everything on
        return
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


PATHS = list(commands(typer.main.get_command(app)))


def test_the_commands_are_found():
    """The walk reaches commands and those below them."""
    assert {("gate",), ("train",), ("golden", "run"), ("laws", "show")} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_is_shown(path):
    """Usage and options, exit code 0."""
    result = CliRunner().invoke(app, [*path, "--help"])
    assert (result.exit_code, result.exception) == (0, None)
    assert "Usage:" in result.output
