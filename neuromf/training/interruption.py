"""Signals that ask a training to make room: it finishes its step, saves, and goes on later with --resume."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
"""What schedulers send before they take a machine back: `kill`, SLURM's time limit, its `--signal=USR1@120`."""


class Interruption:
    """Notes the first of SIGTERM and SIGUSR1 while the block runs, in place of their usual effect."""

    def __init__(self) -> None:
        self.name = ""
        self._former: dict[signal.Signals, Any] = {}

    def __call__(self) -> str:
        """Name of the signal that came, empty while none has."""
        return self.name

    def __enter__(self) -> Self:
        for number in SIGNALS:
            self._former[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.name = self.name or signal.Signals(number).name
