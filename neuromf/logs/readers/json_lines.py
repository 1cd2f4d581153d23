"""JSON lines, one object a line: a plain loop's log, or the history of a W&B run."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd

from neuromf.errors import InputError
from neuromf.logs.log import RowLog
from neuromf.logs.readers.nested import flat_rows, needs_flattening

REMEDY = "give a file with one JSON object a line"
WORDS = {b"NaN": b'"nan"', b"-Infinity": b'"-inf"', b"Infinity": b'"inf"'}
"""Numbers that JSON does not know and Python writes all the same; as text they are told apart from what is left out."""


def read_json_lines(path: Path, text: bytes) -> RowLog:
    """Rows of a file of JSON lines.

    Args:
        path: named in errors.
        text: what the file holds.

    Raises:
        InputError: it holds none.
    """
    rows, notes = _frame(path, text.removeprefix(b"\xef\xbb\xbf"))
    if needs_flattening(rows):
        rows = flat_rows({str(name): cell for name, cell in row.items()} for row in rows.to_dict("records"))
    return RowLog(name=str(path), form="JSON lines", rows=rows, source=path.name, notes=notes)


def _frame(path: Path, text: bytes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    for word, quoted in WORDS.items():
        if word in text:
            text = text.replace(b'"' + word + b'"', quoted).replace(b" " + word, b" " + quoted)
            text = text.replace(b":" + word, b":" + quoted)
    try:
        options: dict[str, Any] = {"lines": True, "precise_float": True, "dtype": False}
        return pd.read_json(io.BytesIO(text), **options), ()
    except (ValueError, TypeError, AttributeError):  # some line is broken or no object: the slow way finds which
        return _line_by_line(path, text)


def _line_by_line(path: Path, text: bytes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    rows, broken = [], []
    lines = [line for line in text.split(b"\n") if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("no object")
            rows.append(row)
        except (ValueError, RecursionError):
            broken.append(number)
    if not rows:
        raise InputError("holds no line of JSON", remedy=REMEDY, file=path)
    if not broken:  # a number that only Python reads
        return pd.DataFrame(rows), ()
    if broken == [len(lines)]:
        return pd.DataFrame(rows), ("The last line is cut short and was left out.",)
    places = ", ".join(map(str, broken[:5])) + (", ..." if len(broken) > 5 else "")
    return pd.DataFrame(rows), (f"{len(broken)} of {len(lines)} lines are no JSON object and were left out: {places}.",)
