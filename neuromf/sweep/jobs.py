"""Runs `neuromf` commands for a sweep, some at a time: as processes on this machine, or as jobs of a SLURM cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from neuromf.bisect.executor import worker_environment
from neuromf.checkout import before_others

LOOK_S = 0.1
"""Seconds between two looks at processes."""


@dataclass(frozen=True)
class SweepCommand:
    """A command of ours.

    Attributes:
        key: tells it from the others.
        arguments: what follows `neuromf`.
        log: file that takes what it prints.
    """

    key: str
    arguments: Sequence[str]
    log: Path

    @property
    def line(self) -> list[str]:
        """The program and its arguments: it ends itself, with a checkpoint, when its standard input is closed."""
        # -P: a folder `neuromf` where the sweep was started must not be taken for ours.
        return [sys.executable, "-P", "-m", "neuromf.sweep.child", *self.arguments]


@dataclass(frozen=True)
class EndedCommand:
    """A command that has ended; without a code where nobody knows how."""

    key: str
    code: int | None


class Jobs(Protocol):
    """Runs commands."""

    @property
    def size(self) -> int:
        """How many at once."""
        ...

    def start(self, command: SweepCommand) -> None:
        """Begin one; returns at once.

        Raises:
            InputError: it cannot be started here.
        """
        ...

    def wait(self) -> list[EndedCommand]:
        """Those that have ended since the last call, at least one."""
        ...

    def close(self) -> None:
        """End what is running, with a checkpoint."""
        ...


class LocalJobs:
    """Processes on this machine.

    Args:
        size: how many at once; with more than one each has a core.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, command: SweepCommand) -> None:
        """Begin a process; it ends itself when this one does."""
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("ab") as log:
            self._running[command.key] = self._process(command, log)

    def _process(self, command: SweepCommand, log: IO[bytes]) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **(worker_environment() if self.size > 1 else before_others())}
        return subprocess.Popen(
            command.line, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, env=environment
        )

    def wait(self) -> list[EndedCommand]:
        """Look until a process has ended."""
        while True:
            ended = [EndedCommand(key, process.returncode) for key, process in self._running.items()
                     if process.poll() is not None]  # fmt: skip
            if ended:
                for one in ended:
                    self._close_input(self._running.pop(one.key))
                return ended
            time.sleep(LOOK_S)

    def close(self) -> None:
        """Close their inputs, at which they save and end, and wait for that."""
        for process in self._running.values():
            self._close_input(process)
        for process in self._running.values():
            process.wait()
        self._running.clear()

    @staticmethod
    def _close_input(process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        process.stdin.close()
