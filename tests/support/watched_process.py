"""A command in a process of its own, with the time and the memory that it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY = 0.01
"""Seconds between two looks at a process's memory."""


@dataclass(frozen=True)
class WatchedProcess:
    """What a process took.

    Attributes:
        code: that it ended with.
        wall_s: seconds of the clock, from its start.
        processor_s: seconds of processors.
        resident_mib: the most memory that it held.
    """

    code: int
    wall_s: float
    processor_s: float
    resident_mib: float


def watch(
    arguments: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None, *, quiet: bool = True
) -> WatchedProcess:
    """Run `neuromf` as a user does, imports and all, and wait for this one process.

    Args:
        arguments: of the command.
        folder: where it runs.
        environment: added to this process's own.
        quiet: whether its output is dropped.
    """
    begun, output = time.monotonic(), subprocess.DEVNULL if quiet else None
    process = subprocess.Popen(
        [sys.executable, "-m", "neuromf", *map(str, arguments)],
        cwd=folder, env={**os.environ, **(environment or {})}, stdout=output, stderr=output,
    )  # fmt: skip
    # What wait4 tells of memory begins with this process, from which that one was forked.
    resident, ended = 0.0, 0
    while not ended:
        resident = max(resident, _largest_resident_mib(process.pid))
        time.sleep(LOOK_EVERY)
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    taken = time.monotonic() - begun
    return WatchedProcess(process.returncode, taken, usage.ru_utime + usage.ru_stime, resident)


def _largest_resident_mib(pid: int) -> float:
    """High-water mark that the kernel keeps of a process's own memory; 0 of one that has ended."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:")), 0.0)
