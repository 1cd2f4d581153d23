"""Signals that ask a training to make room: it finishes its step, saves, and goes on later with --resume.

While latents are encoded there is no step to finish, and a scan may take longer than the warning is long: then they end
it at once.
"""

from __future__ import annotations

import errno
import os
import signal
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGINT)
"""What schedulers send before they take a machine back: `kill`, SLURM's time limit or `--signal=USR1@120`; what the end
of an ssh connection sends; Ctrl-C."""
LEFT_IGNORED = (signal.SIGINT, signal.SIGHUP)
"""Ignored by what a shell starts in its background, and under `nohup`, which is to outlive the terminal."""
APART_S = 1.0
"""Seconds between two presses of Ctrl-C; torchrun passes on what the terminal has sent already."""


class Interrupted(BaseException):
    """A signal ended what could not be finished first; no Exception, so that nothing takes it for an error of its own.

    Args:
        name: of the signal.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


class Interruption:
    """Notes the first of SIGTERM, SIGUSR1, SIGHUP and SIGINT while the block runs, in place of their usual effect.

    A second Ctrl-C is KeyboardInterrupt. SIGINT and SIGHUP stay ignored where they are. After the block the former
    handlers are back, save in a process that has listened early: its exit code tells how its work ended, and a signal
    that comes while it leaves would take that away.

    Args:
        tell: called with the signal's name when one is noted and the block goes on, to say so.
    """

    def __init__(self, tell: Callable[[str], None] = lambda name: None) -> None:
        self.name = ""
        self.tell = tell
        self._former: dict[signal.Signals, Any] = {}
        self._pressed: float | None = None
        self._at_once = False

    def __call__(self) -> str:
        """Name of the signal that came, empty while none has."""
        return self.name

    def __enter__(self) -> Self:
        for number in SIGNALS:
            if number not in LEFT_IGNORED or signal.getsignal(number) is not signal.SIG_IGN:
                self._former.setdefault(number, signal.signal(number, self._note))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            late = self in _EARLY and number != signal.SIGINT  # the process is about to end, and its work is done
            signal.signal(number, signal.SIG_IGN if late else handler)
        self._former.clear()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A signal ends the block where it is; one that came before does so as it begins.

        Raises:
            Interrupted: it came.
        """
        self._at_once = True
        try:
            self.check()
            yield
            self.check()  # an error that is raised in a callback of C may be dropped there
        finally:
            self._at_once = False

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self.name:
            raise Interrupted(self.name)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            leave_lost_terminal()
        now = time.monotonic()
        if number == signal.SIGINT:
            if self._pressed is not None and now - self._pressed > APART_S:
                raise KeyboardInterrupt
            self._pressed = self._pressed or now
        if self.name:
            return
        self.name = signal.Signals(number).name
        if self._at_once:
            raise Interrupted(self.name)
        self.tell(self.name)


def leave_lost_terminal() -> None:
    """Send to nowhere what would go to a terminal that is gone, where every write is an error and would end the run."""
    for descriptor in (1, 2):
        if _is_lost(descriptor):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _is_lost(descriptor: int) -> bool:
    try:
        termios.tcgetattr(descriptor)
    except termios.error as error:
        return bool(error.args[0] == errno.EIO)  # of a file or a pipe it is ENOTTY
    return False


_EARLY: list[Interruption] = []


def listen_early() -> None:
    """Note signals from now on, before it is known what they mean: whoever calls `listening` gets to know of them."""
    _EARLY.append(Interruption().__enter__())


def listening() -> Interruption:
    """What has listened since `listen_early`, or an `Interruption` that has not begun; use it in a `with` statement."""
    return _EARLY[-1] if _EARLY else Interruption()
