"""How a process that prepares scans begins."""

from __future__ import annotations

import signal

import torch


def begin_worker() -> None:
    """One thread, for there are several such processes; Ctrl-C is for the one that started them, which ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
