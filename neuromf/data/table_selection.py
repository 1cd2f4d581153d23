"""The scans that a table names: what `neuromf data index` wrote, and a person may have edited.

Read without pandas, for the static gate must answer at once.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path

from neuromf.data.scan import Scan
from neuromf.data.selection import ScanCandidate, Selection
from neuromf.errors import InputError, UnreadableError

NEEDED = ("scan_id", "subject", "path", "include")
"""Columns that a table must have; others may be missing, and a person's own may stand beside them."""
OTHERS = ("session", "dataset", "modality", "subject_from", "group", "reason")
"""Columns that are read where a table has them."""
_SCAN_ID = re.compile(r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]*\Z")
_INCLUDE = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_BY_HAND = "left out in the table"


def select_from_table(path: Path) -> Selection:
    """Read a table of scans; no scan is opened.

    Args:
        path: CSV with the columns of `NEEDED`; a relative path in it counts from its folder.

    Raises:
        InputError: it is missing, no table, lacks a column, takes nothing, or two of its scans have one id or one file.
    """
    columns, rows = _rows(path)
    read = _Reader(path, {name: place for place, name in enumerate(columns)})
    candidates = [read.candidate(row, line) for line, row in rows]
    taken = sorted((one for one in candidates if not one.reason), key=lambda one: one.scan.scan_id)
    if not taken:
        problem = f"of {len(candidates)} rows none is included"
        raise InputError(problem, remedy="set include to True in the rows to train on", file=path, key="include")
    _refuse_twice([one.scan.scan_id for one in candidates if not one.reason], "scan_id", path)
    _refuse_twice([str(one.scan.path) for one in candidates if not one.reason], "path", path)
    left = sorted((one for one in candidates if one.reason), key=lambda one: (one.scan.scan_id, one.scan.path))
    return Selection(path, (*taken, *left))


def _rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and the cells of each row with its line in the file."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            columns = next(reader, [])
            # As `csv.DictReader` does it; rows without a cell are empty lines.
            cells = [(reader.line_num, row) for row in reader if row]
    except FileNotFoundError as error:
        remedy = "write it with `neuromf data index ROOT --out FILE`"
        raise InputError("there is no such table", remedy=remedy, file=path) from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a table", remedy="write source: folder for a folder", file=path) from error
    except OSError as error:
        raise UnreadableError.of(path, error) from error
    except csv.Error as error:
        raise InputError(
            f"this is not a CSV table ({error})", remedy="save it as CSV with commas", file=path
        ) from error
    if missing := [name for name in NEEDED if name not in columns]:
        remedy = f"give the columns {', '.join(NEEDED)}, separated by commas"
        raise InputError(f"the table has no column {missing[0]}", remedy=remedy, file=path, key=missing[0])
    if twice := [name for name, count in Counter(columns).items() if count > 1 and name in (*NEEDED, *OTHERS)]:
        remedy = "leave one of them out"
        raise InputError(f"the table has two columns {twice[0]}", remedy=remedy, file=path, key=twice[0])
    if ragged := next((line for line, row in cells if len(row) != len(columns)), 0):
        raise InputError(f"line {ragged} has another number of cells than the header", remedy="mend it", file=path)
    return columns, cells


class _Reader:
    """Reads rows by the places of their columns: a mapping for each of 100,000 rows takes a third of a second.

    Args:
        table: the file, for messages and for relative paths.
        places: of the columns, by name.
    """

    def __init__(self, table: Path, places: Mapping[str, int]) -> None:
        self._table, self._folder = table, str(table.absolute().parent)
        self._cells = itemgetter(*(places.get(name, -1) for name in (*NEEDED, *OTHERS)))

    def candidate(self, row: Sequence[str], line: int) -> ScanCandidate:
        """What a row says of its file.

        Raises:
            InputError: it does not say whether to take the scan, or takes one without an id or a subject.
        """
        # The cell that is put at the end stands for those of columns that the table does not have.
        name, subject, path, wanted, session, dataset, modality, subject_from, group, reason = self._cells([*row, ""])
        include = _INCLUDE.get(wanted.strip().lower())
        if include is None:
            problem = f"line {line}: include is {wanted!r}"
            raise InputError(problem, remedy="write True or False", file=self._table, key="include")
        name, subject = name.strip(), subject.strip()
        if include:
            self._refuse_unnamed(name, subject, path, line)
        place = Path(os.path.normpath(os.path.join(self._folder, path)))
        scan = Scan(subject, name, place, session, dataset, modality, subject_from or "the table", group)
        return ScanCandidate(scan, "" if include else reason or _BY_HAND)

    def _refuse_unnamed(self, name: str, subject: str, path: str, line: int) -> None:
        if not path.strip() or "\0" in path:
            remedy = "write where the scan lies, by an absolute path or from the table's folder"
            said = "holds a null byte" if path.strip() else "is empty"
            raise InputError(f"line {line}: the path {said}", remedy=remedy, file=self._table, key="path")
        if not subject:
            remedy = "name the person: scans of one subject are in one split"
            raise InputError(f"line {line} names no subject", remedy=remedy, file=self._table, key="subject")
        if not _SCAN_ID.match(name):
            remedy = "write a name that fits a file: no slash, and no dot at its beginning"
            problem = f"line {line}: the scan_id is {name!r}"
            raise InputError(problem, remedy=remedy, file=self._table, key="scan_id")


def _refuse_twice(values: Sequence[str], column: str, table: Path) -> None:
    if len(set(values)) == len(values):
        return
    seen: set[str] = set()
    for value in values:
        if value in seen:
            problem = f"{value!r} stands in two rows that are included"
            raise InputError(problem, remedy="leave one of them out", file=table, key=column)
        seen.add(value)
