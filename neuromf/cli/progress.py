"""The progress file: one line that states how far a run has got.

A job that queues itself again compares it before and after, and stops when two turns in a row made no progress.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuromf.cli.output_file import check_output_file
from neuromf.output import write_output

KINDS = ("scans", "step")
"""What is counted: scans that are encoded, then optimiser steps."""


@dataclass
class ProgressFile:
    """How many scans are encoded, and the file in which progress is written.

    Attributes:
        file: its path; None to write nothing.
        scans: latents made.
        total: latents to be made; 0 while that is not known, and where none had to be.
    """

    file: Path | None = None
    scans: int = 0
    total: int = 0

    def check(self) -> None:
        """Make sure that the line can be written.

        Raises:
            InputError: it cannot.
        """
        if self.file is not None:
            check_output_file(self.file, "--progress")

    def note(self, steps: int | None = None) -> None:
        """Write how far the run has got, in optimiser steps or, before the first, in latents.

        The line is replaced only if the run has got further: a turn that ends early would otherwise set it back.
        """
        if self.file is None:
            return
        reached = (0, self.scans) if steps is None else (1, steps)
        former = _read(self.file)
        if former is None or reached > former:
            write_output(self.file, f"{KINDS[reached[0]]} {reached[1]}\n")


def _read(file: Path) -> tuple[int, int] | None:
    """The progress in a file; None if it holds no such line."""
    try:
        kind, count = file.read_text(encoding="utf-8").split()
        return KINDS.index(kind), int(count)
    except (OSError, ValueError):
        return None
