"""What is shown while scans are encoded: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from neuromf.cli.console import make_console, progress_bar
from neuromf.watch.status import duration

LINE_EVERY_S = 60.0
"""How often a log gets a line: few enough to read, often enough to see that it goes on."""
NOTHING_YET_S = 1.0
"""Before that nothing is said of the speed."""
MANY = 1000
"""Scans a minute from which three digits would be written with an exponent."""


@dataclass
class Pace:
    """Scans a minute since the first that was waited for, and the time that the others will take.

    Attributes:
        clock: seconds that only grow.
    """

    clock: Callable[[], float] = time.monotonic
    _began: float | None = None
    _first: int = 0

    def note(self, done: int, total: int) -> str:
        """In words; empty where it is too early to tell."""
        now = self.clock()
        if self._began is None or done < self._first:
            self._began, self._first = now, done
        passed = now - self._began
        if not passed > NOTHING_YET_S or done <= self._first:
            return ""
        a_minute = (done - self._first) / passed * 60
        speed = f"{a_minute:,.0f}" if a_minute >= MANY else f"{a_minute:.3g}"
        return f"{speed} scans a minute, {duration((total - done) / a_minute * 60)} left"


@dataclass
class _Lines:
    """Lines for a log, where no bar can be seen."""

    clock: Callable[[], float] = time.monotonic
    _last: float | None = field(default=None)

    def show(self, done: int, total: int, note: str) -> None:
        now = self.clock()
        self._last = now if self._last is None else self._last
        if note and (done == total or now - self._last >= LINE_EVERY_S):
            self._last = now
            tell(f"encoded {done:,} of {total:,}, {note}")


@contextmanager
def encoding_shown(*, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A function of (done, scans) that shows how far it got and how fast."""
    pace, lines = Pace(), _Lines()
    with progress_bar("latents", shown=shown) as show:

        def on_progress(done: int, total: int) -> None:
            note = pace.note(done, total)
            show(done, total, note)
            if shown and not sys.stderr.isatty():
                lines.show(done, total, note)

        yield on_progress


def tell(line: str) -> None:
    """A line on standard output, as it is."""
    make_console().print(line, soft_wrap=True)
