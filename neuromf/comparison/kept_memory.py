"""Memory that a process has used once and keeps for its next part of a trace."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's `mallopt`."""
KEPT = 32 << 20
"""Bytes; the most that glibc takes for its second threshold, and more than a part's text and arrays."""


def keep_freed_memory() -> None:
    """Ask glibc to keep what is freed instead of giving it back to the system; other libraries are left as they are.

    A trace is read in hundreds of parts. Without this each of them touches new pages, for as long as a quarter of the
    whole comparison.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl has none, and neither have macOS and Windows
        return
    for threshold in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
        mallopt(threshold, KEPT)
