"""A trace that is still being written: each call reads what is new, and a line counts once its end is there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from neuromf.errors import InputError
from neuromf.trace.cells import parse_row
from neuromf.trace.columns import NAMES, Row


@dataclass(frozen=True)
class Growth:
    """What a look at a trace found.

    Attributes:
        rows: the whole rows that were not there at the last look, oldest first.
        restarted: the file was written anew, as a resume does, so that `rows` replace all that came before.
    """

    rows: list[Row]
    restarted: bool


class GrowingTrace:
    """Reads a trace from where the last look ended.

    Args:
        path: the `trace.csv`, which need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._offset = 0
        self._steps = 0

    def read(self) -> Growth:
        """The rows written since the last look; a half-written last line is left for the next.

        Raises:
            InputError: the file is not a trace, or its steps are out of order.
        """
        try:
            with self._path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                # A resumed run replaces the file by a shorter copy that grows again.
                restarted = self._file not in (None, status.st_ino) or status.st_size < self._offset
                if restarted:
                    self._offset = self._steps = 0
                self._file = status.st_ino
                stream.seek(self._offset)
                whole = stream.read().rpartition(b"\n")[0]
        except FileNotFoundError:
            return Growth([], restarted=False)
        if not whole:
            return Growth([], restarted)
        lines = self._text(whole).split("\n")
        if self._offset == 0:
            self._check_header(lines.pop(0))
        self._offset += len(whole) + 1
        return Growth([self._row(line) for line in lines], restarted)

    def _text(self, whole: bytes) -> str:
        try:
            return whole.decode()
        except UnicodeDecodeError as error:
            raise self._foreign(str(error)) from error

    def _check_header(self, line: str) -> None:
        for found, expected in zip([*line.split(","), ""], [*NAMES, ""], strict=False):
            if found != expected:
                raise self._foreign(f"column '{found}' stands where '{expected}' belongs")

    def _row(self, line: str) -> Row:
        try:
            row = parse_row(dict(zip(NAMES, line.split(","), strict=True)))
        except ValueError as error:
            raise self._foreign(f"line {self._steps + 2}: {error}") from error
        if row["step"] != self._steps:
            raise self._foreign(f"step {row['step']} stands where step {self._steps} belongs")
        self._steps += 1
        return row

    def _foreign(self, problem: str) -> InputError:
        remedy = "give the folder of a `neuromf train`"
        return InputError(f"not a trace ({problem})", remedy=remedy, file=self._path)
