"""The `neuromf` command as a process of its own that need not import torch: a fork of a server that has.

For tests of what becomes of a process: signals, ranks, several at once. Tests of a start use `python -m neuromf`.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.fork_server import forks


class ForkedCommand:
    """A command that runs; used like `subprocess.Popen` with text pipes.

    Args:
        arguments: what follows `neuromf`.
        folder: an existing one, for what it prints.
        environment: all of its variables.
        name: of what it prints, where several run.
        terminal: a pseudoterminal's end, which is its terminal and takes what it prints.
        hangup: whether it hears that the terminal is closed; without it as after `nohup`.
        to_file: whether what it prints goes to files although it has a terminal.
        module: what is run in place of `neuromf`.
    """

    def __init__(
        self, arguments: Sequence[object], folder: Path, environment: Mapping[str, str], *,
        name: str = "", terminal: int | None = None, hangup: bool = True, to_file: bool = True,
        module: str = "neuromf",
    ) -> None:  # fmt: skip
        self.printed, self.errors = folder / f"printed{name}", folder / f"errors{name}"
        device = None if terminal is None else os.ttyname(terminal)
        files = (None, None) if device and not to_file else (str(self.printed), str(self.errors))
        given = ([module, *map(str, arguments)], str(Path.cwd()), dict(environment), files, device, hangup)
        self._process = forks().Process(target=_run, args=given)
        self._process.start()
        # Python waits for it at its own end: one that a failed test left behind would keep the tests from ending.
        atexit.register(self.end)

    @property
    def pid(self) -> int:
        """Process id, which is the id of its group too."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """To this process alone."""
        os.kill(self.pid, number)

    def wait(self, timeout: float) -> int:
        """Until it has ended; one that takes longer is killed."""
        self._process.join(timeout)
        code = self.returncode
        self.end()
        assert code is not None, f"it ran after {timeout} s"
        return code

    def communicate(self, timeout: float = 240) -> tuple[str, str]:
        """What it has printed when it has ended."""
        self.wait(timeout)
        return self.printed.read_text(encoding="utf-8"), self.errors.read_text(encoding="utf-8")

    def end(self) -> None:
        """Kill it and its group, if it runs."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.join()


def _run(
    arguments: list[str], folder: str, environment: dict[str, str], files: tuple[str | None, str | None],
    terminal: str | None, hangup: bool,
) -> None:  # fmt: skip
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # The first terminal that a session's leader opens becomes its own.
    inputs = os.open(terminal or os.devnull, os.O_RDWR)
    for number, path in enumerate((None, *files)):
        os.dup2(inputs if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    # The server's streams know another kind of file below them, and its children would start theirs from it too.
    modes = ("r", "w", "w")
    sys.stdin, sys.stdout, sys.stderr = (open(number, modes[number], closefd=False) for number in range(3))  # noqa: SIM115
    sys.stderr.reconfigure(line_buffering=True, errors="backslashreplace")
    multiprocessing.set_start_method(None, force=True)
    # Of tests that a shell has started in its background SIGINT is ignored, and of all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL if hangup else signal.SIG_IGN)
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
