"""How a number becomes a cell of a trace and a cell a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuromf.trace.columns import Column, Row, columns_in

Cell = int | float | str | None

UNREADABLE = "\ufffd"
"""What Python's `errors="replace"` puts for bytes that are no text."""
_PARSE = {"int": int, "text": str, "float": float}


def format_cell(value: object, kind: str) -> str:
    """Text of a cell; nine digits give every float32 back exactly."""
    if value is None:
        return ""
    return f"{value:.9g}" if kind == "float" else str(value)


def parse_row(cells: Mapping[str, str], columns: Sequence[Column] | None = None) -> dict[str, Cell]:
    """A row from the text of its cells, of these columns or those that the cells name; an empty cell is None."""
    columns = columns_in(cells) if columns is None else columns
    return {c.name: _PARSE[c.kind](cells[c.name]) if cells[c.name] else None for c in columns}


def is_whole(row: Row, columns: Sequence[Column] | None = None) -> bool:
    """Whether every cell that must hold something does, and none holds bytes that are no text."""
    columns = columns_in(row) if columns is None else columns
    filled = all(row[column.name] is not None or column.optional for column in columns)
    return filled and not any(UNREADABLE in str(row[column.name]) for column in columns if column.kind == "text")
