"""Cells of a log as numbers: gaps, NaN that is written out, and decimal commas are told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

GAPS = ("", "None", "none", "null", "NA", "N/A", "n/a", "<NA>", "-")
"""Cells that say that there is no number; `nan` is a number that is none."""
NANS = ("nan", "NaN", "NAN", "-nan", "+nan")
MOST_HOLES = 0.5
"""Share of written NaN from which they are a way to leave a cell empty, as long as numbers follow the last one."""


def numbers(cells: pd.Series[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """A column as floats, and where it has one at all; None where most of its cells are no numbers.

    Args:
        cells: one a row, NA where the log has none.
    """
    there: NDArray[np.bool_] = cells.notna().to_numpy()
    if pd.api.types.is_bool_dtype(cells.dtype):
        return None
    if pd.api.types.is_numeric_dtype(cells.dtype):
        plain: NDArray[np.float64] = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        return plain, there
    text = cells.astype("string").str.strip()
    there = there & ~text.isin(GAPS).to_numpy(dtype=bool)
    values = _parsed(text)
    strange = there & np.isnan(values) & ~text.isin(NANS).to_numpy(dtype=bool)
    if strange.any():
        values = np.where(strange, _parsed(_with_points(text)), values)
        strange = strange & np.isnan(values)
    if strange.sum() > 0.5 * max(there.sum(), 1):
        return None
    return values, there & ~strange


def without_holes(values: NDArray[np.float64], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a column has a number, given that some loggers write NaN into cells that have none.

    NaN is a gap where every other cell or more is NaN, and a number follows the last of them or precedes the first by
    less than one gap: a run that breaks stays broken.
    """
    broken = there & np.isnan(values)
    count, told = int(broken.sum()), int(there.sum())
    if not count or count == told:
        return there
    if count < MOST_HOLES * told:
        return there
    places = np.flatnonzero(there & ~broken)
    gaps = np.diff(places)
    tail = len(values) - 1 - int(places[-1])
    regular = len(gaps) > 0 and tail <= max(int(gaps.max()), 1)
    return there & ~broken if regular else there


def _parsed(text: pd.Series[str]) -> NDArray[np.float64]:
    parsed: NDArray[np.float64] = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return parsed


def _with_points(text: pd.Series[str]) -> pd.Series[str]:
    """Decimal commas as points; where a cell has both, the first kind parts thousands."""
    both = text.str.contains(",", regex=False) & text.str.contains(".", regex=False)
    comma_last = text.str.rfind(",") > text.str.rfind(".")
    german = text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    english = text.str.replace(",", "", regex=False)
    mixed = german.where(comma_last.fillna(False), english)
    return mixed.where(both.fillna(False), text.str.replace(",", ".", regex=False))
