"""One part of the study's text, and how its cells are counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tools.studies.guard.epochs import first_speakers, first_steps
from tools.studies.guard.wilson import RunShare


@dataclass(frozen=True)
class StudySection:
    """One table.

    Attributes:
        title: what it shows.
        cells: by column.
    """

    title: str
    cells: pd.DataFrame

    @property
    def markdown(self) -> str:
        """Heading and columns, padded so that it can be read as it is."""
        columns = [[str(name), *map(str, self.cells[name])] for name in self.cells]
        padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
        header, *rows = ["| " + " | ".join(line) + " |" for line in zip(*padded, strict=True)]
        rule = "|" + "|".join("-" * (len(column[0]) + 2) for column in padded) + "|"
        return "\n".join((f"## {self.title}", "", header, rule, *rows, ""))


def share(rows: pd.DataFrame, rules: list[str] | tuple[str, ...]) -> RunShare:
    """How many runs one of the rules spoke of."""
    return RunShare(int(np.isfinite(first_steps(rows, rules)).sum()), len(rows))


def counts(rows: pd.DataFrame, rules: list[str] | tuple[str, ...]) -> str:
    """How many runs each of the rules spoke of first, as text."""
    return ", ".join(f"{rule} {count}" for rule, count in first_speakers(rows, rules).items()) or "none"
