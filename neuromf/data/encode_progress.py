"""How far a cohort's encoding is, by whomever it was done."""

from __future__ import annotations

import time
from collections.abc import Callable

from neuromf.data.encoded import EncodedScans

COUNTED_EVERY_S = 20.0
"""How often it is looked how far the others are: the folder may hold 100,000 files."""


class EncodeProgress:
    """Tells how many scans are done.

    Args:
        kept: where what is done is placed, of this cohort and perhaps of others.
        report: called with (done, scans).
        done: scans that were done before.
        total: scans.
    """

    def __init__(self, kept: EncodedScans, report: Callable[[int, int], None], done: int, total: int) -> None:
        self._kept, self._report, self._done, self._total = kept, report, done, total
        self._others = max(kept.count() - done, 0)
        self._counted = time.monotonic()
        if 0 < done < total:
            report(done, total)

    def one_more(self) -> None:
        """One was done here."""
        self._done += 1
        if time.monotonic() - self._counted > COUNTED_EVERY_S:
            self._counted = time.monotonic()
            self._done = max(self._done, self._kept.count() - self._others)
        self._report(min(self._done, self._total), self._total)

    def wait(self, left: int) -> None:
        """All but some are done, and others are at these."""
        self._done = self._total - left
        self._report(self._done, self._total)
