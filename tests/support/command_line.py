"""The command line run in the test's own process."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest
import typer

from neuromf.cli.app import app, run


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object, app: typer.Typer = app
) -> Ended:
    """Run `neuromf` with these arguments, as the console script does, or another command line."""
    monkeypatch.setattr(sys, "argv", ["neuromf", *map(str, arguments)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        run(app)
    printed = capsys.readouterr()
    return Ended(int(ended.value.code or 0), printed.out, printed.err)
