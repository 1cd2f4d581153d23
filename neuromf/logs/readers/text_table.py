"""CSV files of any delimiter, with holes and decimal commas: Lightning's `metrics.csv`, W&B's export, anyone's own."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pandas as pd

from neuromf.errors import InputError
from neuromf.logs.cells import GAPS
from neuromf.logs.log import RowLog
from neuromf.trace.exact import read_exact

DELIMITERS = (",", ";", "\t", "|")
REMEDY = "give a CSV file with a header line"
LOOKED_AT = 20
"""Lines that show which delimiter a file has."""


def read_text_table(path: Path, text: bytes) -> RowLog:
    """Rows of a CSV file.

    Args:
        path: named in errors.
        text: what the file holds.

    Raises:
        InputError: it has no header and rows.
    """
    text, notes = _whole_lines(text.removeprefix(b"\xef\xbb\xbf"))
    delimiter = _delimiter(text)
    try:
        header = _read(text, delimiter, nrows=0)
        rows = _read(text, delimiter, on_bad_lines="skip")
    except (ValueError, OSError) as error:
        raise InputError(f"not a table ({str(error).splitlines()[0]})", remedy=REMEDY, file=path) from error
    if len(header.columns) < 2 and not len(rows):
        raise InputError("not a table: one line without a delimiter", remedy=REMEDY, file=path)
    if all(_is_number(str(name)) for name in header.columns):
        raise InputError("has no header: its first line holds numbers", remedy="name the columns", file=path)
    lost = text.count(b"\n") - 1 - len(rows)
    rows = _without_headers(rows)
    if lost > 0 and not (text.count(b"\n\n") or b'"' in text):
        notes = (*notes, f"{lost} of its lines have another number of cells than the header and were left out.")
    return RowLog(name=str(path), form="a CSV table", rows=rows, source=path.name, notes=notes)


def _without_headers(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a log that was opened twice for appending, and so has its header twice."""
    first = rows.iloc[:, 0]
    if pd.api.types.is_numeric_dtype(first.dtype):
        return rows
    return rows[~(first == rows.columns[0])].reset_index(drop=True)


def _whole_lines(text: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The text up to its last whole line, where that last line is shorter than the others."""
    text = text.replace(b"\r\n", b"\n")
    if text.endswith(b"\n") or b"\n" not in text:
        return text, ()
    whole, _, tail = text.rpartition(b"\n")
    # The last number of a line that was cut is a number too: only the end of the line says that it is whole.
    header_cells = [whole.partition(b"\n")[0].count(mark.encode()) for mark in DELIMITERS]
    tail_cells = [tail.count(mark.encode()) for mark in DELIMITERS]
    if header_cells == tail_cells and max(header_cells):
        note = "The last line has no end and may be cut in a number; it was left out."
    else:
        note = "The last line is cut short and was left out."
    return whole + b"\n", (note,)


def _delimiter(text: bytes) -> str:
    """The delimiter that stands equally often, and most often, in the first lines."""
    lines = text[:1_000_000].split(b"\n")[:LOOKED_AT]
    counts = {mark: [line.count(mark.encode()) for line in lines if line.strip()] for mark in DELIMITERS}
    fitting = {mark: found[0] for mark, found in counts.items() if found and found[0]}
    if not fitting:
        return r"\s+" if lines and len(lines[0].split()) > 1 else ","
    steady = {mark: count for mark, count in fitting.items() if set(counts[mark]) == {count}}
    # With decimal commas the rows have more commas than the header, and as many semicolons or tabs.
    return max(steady or fitting, key=lambda mark: (steady or fitting)[mark])


def _read(text: bytes, delimiter: str, **options: object) -> pd.DataFrame:
    with warnings.catch_warnings():  # a delimiter at the end of each line is one cell more than the header has
        warnings.simplefilter("ignore", pd.errors.ParserWarning)
        return read_exact(
            io.BytesIO(text), sep=delimiter, keep_default_na=False, na_values=list(GAPS), index_col=False,
            skipinitialspace=True, encoding_errors="replace", **_engine(delimiter), **options,
        )  # fmt: skip


def _engine(delimiter: str) -> dict[str, object]:
    """Columns are read as a whole, which tells text from numbers once; the slow parser knows no such thing."""
    return {"low_memory": False} if len(delimiter) == 1 else {"engine": "c"}


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
