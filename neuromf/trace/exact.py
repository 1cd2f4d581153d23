"""CSV files of numbers, read by pandas so that each number is the double that its text names."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import pandas as pd

FIRST_EXACT = (3, 1)
"""The pandas from which its own parser is exact; those before it are off by one in the last place of every eighth cell
of nine digits unless they are asked, and those after it deprecate being asked."""


def exact_options(version: str = pd.__version__) -> dict[str, Any]:
    """Options of `pandas.read_csv` with which that version reads every number exactly."""
    older = tuple(int(part) for part in version.split(".")[:2]) < FIRST_EXACT
    return {"float_precision": "round_trip"} if older else {}


def read_exact(source: Path | IO[str] | IO[bytes], **options: Any) -> pd.DataFrame:  # noqa: ANN401
    """`pandas.read_csv` with these options, exact whatever its version."""
    frame: pd.DataFrame = pd.read_csv(source, **options, **exact_options())
    return frame
