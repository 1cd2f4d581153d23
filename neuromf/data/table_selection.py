"""The scans that a table names: what `neuromf data index` wrote, and a person may have edited.

Read without pandas, for the static gate must answer at once.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from neuromf.data.scan import Scan
from neuromf.data.selection import ScanCandidate, Selection
from neuromf.errors import InputError, UnreadableError

NEEDED = ("scan_id", "subject", "path", "include")
"""Columns that a table must have; others may be missing, and a person's own may stand beside them."""
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
    folder = str(path.absolute().parent)
    candidates = [_candidate(row, line, path, folder) for line, row in _rows(path)]
    taken = [candidate.scan for candidate in candidates if not candidate.reason]
    if not taken:
        problem = f"of {len(candidates)} rows none is included"
        raise InputError(problem, remedy="set include to True in the rows to train on", file=path, key="include")
    _refuse_twice([scan.scan_id for scan in taken], "scan_id", path)
    _refuse_twice([str(scan.path) for scan in taken], "path", path)
    order = sorted(candidates, key=lambda one: (bool(one.reason), one.scan.scan_id, one.scan.path))
    return Selection(path, tuple(order))


def _rows(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    """Each row with its line in the file."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            columns = next(reader, [])
            # As `csv.DictReader` does it, in half of its time; rows without a cell are empty lines.
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
    if ragged := next((line for line, row in cells if len(row) != len(columns)), 0):
        raise InputError(f"line {ragged} has another number of cells than the header", remedy="mend it", file=path)
    return [(line, dict(zip(columns, row, strict=True))) for line, row in cells]


def _candidate(row: Mapping[str, str], line: int, table: Path, folder: str) -> ScanCandidate:
    include = _INCLUDE.get(row["include"].strip().lower())
    if include is None:
        problem = f"line {line}: include is {row['include']!r}"
        raise InputError(problem, remedy="write True or False", file=table, key="include")
    scan = Scan(
        subject=row["subject"].strip(),
        scan_id=row["scan_id"].strip(),
        path=Path(os.path.normpath(os.path.join(folder, row["path"]))),
        session=row.get("session", ""),
        dataset=row.get("dataset", ""),
        modality=row.get("modality", ""),
        subject_from=row.get("subject_from", "") or "the table",
        group=row.get("group", ""),
    )
    if include and not scan.subject:
        remedy = "name the person: scans of one subject are in one split"
        raise InputError(f"line {line} names no subject", remedy=remedy, file=table, key="subject")
    if include and not _SCAN_ID.match(scan.scan_id):
        remedy = "write a name that fits a file: no slash, and no dot at its beginning"
        raise InputError(f"line {line}: the scan_id is {scan.scan_id!r}", remedy=remedy, file=table, key="scan_id")
    return ScanCandidate(scan, "" if include else row.get("reason", "") or _BY_HAND)


def _refuse_twice(values: Sequence[str], column: str, table: Path) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            problem = f"{value!r} stands in two rows that are included"
            raise InputError(problem, remedy="leave one of them out", file=table, key=column)
        seen.add(value)
