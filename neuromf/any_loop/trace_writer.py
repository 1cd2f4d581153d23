"""The trace of a loop: a row a step, columns of ours where the quantities are ours, and columns that come later."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from neuromf.errors import InputError
from neuromf.trace.cells import format_cell
from neuromf.trace.columns import LOOP_BEGINNING

REMEDY = "restore the file, or begin with a guard without its state"
FORBIDDEN = dict.fromkeys(map(ord, ',"\r\n'), "_")
"""What would take a row apart."""


def column_name(name: str) -> str:
    """A metric's name as a header can hold it; that of a text column of ours is another metric."""
    plain = name.translate(FORBIDDEN) or "_"
    return plain if plain not in ("step", "batch_hash") else f"loop_{plain}"


class LoopTrace:
    """Appends rows.

    Args:
        path: the file.
        first_step: step of the next row; the rows before it are kept, later ones dropped.

    Raises:
        InputError: one of the rows before it is missing.
    """

    def __init__(self, path: Path, first_step: int) -> None:
        self._path = path
        self._names = list(LOOP_BEGINNING)
        self._rewrite(_rows_before(path, first_step) if first_step else [])

    def append(self, step: int, cells: Mapping[str, float | None]) -> None:
        """Write one row, every quantity of it by column.

        Args:
            step: its number.
            cells: numbers by column; None is an empty cell.
        """
        new = [name for name in cells if name not in self._names]
        if new:
            self._stream.close()
            with self._path.open(newline="", encoding="utf-8") as stream:
                former = list(csv.DictReader(stream))
            self._names += new
            self._rewrite(former)
        self._write({name: format_cell(value, "float") for name, value in cells.items()} | {"step": str(step)})
        self._stream.flush()

    def close(self) -> None:
        """Nothing follows."""
        self._stream.close()

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        """The file anew, whole or not at all; it stays open for what follows."""
        if rows:
            self._names = [*rows[0], *(name for name in self._names if name not in rows[0])]
        staging = self._path.with_suffix(".tmp")
        self._stream = staging.open("w", newline="", encoding="utf-8")
        self._stream.write(",".join(self._names) + "\n")
        for row in rows:
            self._write(row)
        self._stream.flush()
        staging.replace(self._path)

    def _write(self, cells: Mapping[str, str]) -> None:
        self._stream.write(",".join(cells.get(name, "") for name in self._names) + "\n")


def _rows_before(path: Path, first_step: int) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as stream:
            rows = [row for row, _ in zip(csv.DictReader(stream), range(first_step), strict=False)]
    except OSError as error:
        raise InputError(f"the trace cannot be read ({error})", remedy=REMEDY, file=path) from error
    whole = all(row.get("step") == str(step) and None not in row.values() for step, row in enumerate(rows))
    if len(rows) < first_step or not whole:
        raise InputError(f"steps 0 to {first_step - 1} are not all there", remedy=REMEDY, file=path)
    return rows
