"""Every whole row of a trace that may be growing, as arrays: a million rows take two seconds and 250 MiB."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuromf.comparison.row_pairs import row_blocks
from neuromf.comparison.table import TraceTable, joined, table_from_text
from neuromf.errors import InputError
from neuromf.trace.columns import columns_in
from neuromf.watch.trace_tail import FOREIGN, whole_rows


def whole_table(path: Path) -> TraceTable | None:
    """The whole rows of a trace; None where there is no file or no row.

    Raises:
        InputError: the file is not a trace, or its steps are out of order.
    """
    try:
        parts = [_table(text) for text in row_blocks(path)]
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _told(path, str(error).splitlines()[0]) from error
    if not parts:
        whole_rows(path)  # a header of other columns is refused
        return None
    table = joined(parts)
    if not np.array_equal(table.steps, np.arange(len(table.steps))):
        raise _told(path, "its steps are out of order")
    return table


def _table(text: bytes) -> TraceTable:
    header, _, rows = text.partition(b"\n")
    names = header.decode().split(",")
    if names != [column.name for column in columns_in(names)]:
        raise ValueError("other columns")
    if rows.count(b",") != rows.count(b"\n") * (len(names) - 1):
        raise ValueError("a row has another number of cells")
    return table_from_text(text)


def _told(path: Path, problem: str) -> InputError:
    """What is wrong with a trace that cannot be read as arrays, with its line where reading row by row finds it."""
    try:
        whole_rows(path)
    except InputError as found:
        return found
    return InputError(f"not a trace ({problem[:200]})", remedy=FOREIGN, file=path)
