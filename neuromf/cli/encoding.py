"""What is shown while scans are encoded: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from neuromf.cli.console import ShowProgress, make_console, progress_bar
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
        left = f", {duration((total - done) / a_minute * 60)} left" if done < total else ""
        return f"{speed} scans a minute{left}"


@dataclass
class _Stage:
    """One of the two things that are done with scans, each with a pace of its own.

    Attributes:
        bar: moves the bar.
        label: of the bar.
        said: a line for a log, with places for `done` and `total`.
        lines: whether lines are told, where no bar can be seen.
        ends: whether the end is told too, however soon it comes.
        clock: seconds that only grow.
    """

    bar: ShowProgress
    label: str
    said: str
    lines: bool
    ends: bool
    clock: Callable[[], float] = time.monotonic
    _last: float | None = None

    def __post_init__(self) -> None:
        self._pace = Pace(self.clock)

    def __call__(self, done: int, total: int) -> None:
        """Show that so many of the scans are done."""
        note = self._pace.note(done, total)
        self.bar(done, total, note, self.label)
        now = self.clock()
        self._last = now if self._last is None else self._last
        due = now - self._last >= LINE_EVERY_S or (self.ends and done == total)
        if self.lines and note and due:
            self._last = now
            tell(f"{self.said.format(done=done, total=total)}, {note}")


@dataclass(frozen=True)
class EncodingShown:
    """Shows how far an encoding is.

    Attributes:
        looked: takes (done, scans) while scans are looked at, before the first is encoded.
        encoded: takes the same as scans get a latent, or a reason for having none.
    """

    looked: Callable[[int, int], None]
    encoded: Callable[[int, int], None]


@contextmanager
def encoding_shown(*, shown: bool = True, clock: Callable[[], float] = time.monotonic) -> Iterator[EncodingShown]:
    """Show how far an encoding gets and how fast: by a bar on a terminal, else by a line now and then."""
    terminal = sys.stderr.isatty()
    with progress_bar("latents", shown=shown and terminal) as bar:
        lines = shown and not terminal
        yield EncodingShown(
            _Stage(bar, "reading scans", "looked at {done:,} of {total:,} scans", lines, ends=False, clock=clock),
            _Stage(bar, "latents", "{done:,} of {total:,} scans done", lines, ends=True, clock=clock),
        )


def tell(line: str) -> None:
    """A line on standard output, as it is."""
    make_console().print(line, soft_wrap=True)
