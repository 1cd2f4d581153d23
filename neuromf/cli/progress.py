"""How far a run has got, as one line of a file: a job that is queued again and again sees whether that is of use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuromf.cli.output_file import check_output_file
from neuromf.output import write_output

KINDS = ("scans", "step")
"""What is counted, in the order in which a run gets there."""


@dataclass
class ProgressFile:
    """What is done of the latents, and where it is noted.

    Attributes:
        file: where a line is left, or None.
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

        What the file says already stays unless the run has got further, for a turn that ends early knows less.
        """
        if self.file is None:
            return
        reached = (0, self.scans) if steps is None else (1, steps)
        former = _read(self.file)
        if former is None or reached > former:
            write_output(self.file, f"{KINDS[reached[0]]} {reached[1]}\n")


def _read(file: Path) -> tuple[int, int] | None:
    """What a file says, None where it is none of ours."""
    try:
        kind, count = file.read_text(encoding="utf-8").split()
        return KINDS.index(kind), int(count)
    except (OSError, ValueError):
        return None
