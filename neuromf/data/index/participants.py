"""What participants.tsv says of a scan's subject: age, sex, group, and whatever else it has."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neuromf.data.scan import Scan
from neuromf.data.schemes import named_by_scheme
from neuromf.errors import InputError, UnreadableError

FILE = "participants.tsv"
IDS = ("participant_id", "subject_id", "subject", "id")
"""Columns that name the subject, the first that there is; in any letters."""
SESSIONS, DATASETS = ("session_id", "session"), ("dataset", "dataset_id")
GROUPS = ("group", "diagnosis", "dx", "dx_group")
"""Columns that become a scan's `group`."""


@dataclass
class Participants:
    """One table of participants.

    Attributes:
        path: its file.
        columns: as the file names them, the subject's first.
        rows: by plain id.
    """

    path: Path
    columns: tuple[str, ...]
    rows: dict[str, list[Mapping[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def of(self, scan: Scan) -> Mapping[str, str]:
        """The row of a scan: that of its session where sessions have rows of their own; empty where there is none."""
        rows: Sequence[Mapping[str, str]] = self.rows.get(_plain(scan.subject.rpartition("/")[2]), ())
        if column := _column(self.columns, DATASETS):
            of_dataset = [row for row in rows if _plain(row[column]) == _plain(scan.dataset)]
            # Where ids begin anew in each data set, another data set's row is another person's.
            rows = of_dataset if of_dataset or len(rows) > 1 else rows
        if column := _column(self.columns, SESSIONS):
            rows = [row for row in rows if _plain(row[column]) == _plain(scan.session)] or rows
        return rows[0] if rows else {}


class NearestParticipants:
    """The tables of participants of a folder, each read once.

    Args:
        root: the folder.
        given: one table for all scans; without it each scan has the nearest in the folders above it.
    """

    def __init__(self, root: Path, given: Path | None = None) -> None:
        self._root = root
        self._given = None if given is None else read_participants(given)
        self._read: dict[Path, Participants | None] = {}

    def of(self, scan: Scan) -> Mapping[str, str]:
        """What is known of a scan's subject, by column; empty where no table names it."""
        table = self._given or self._near(scan.path.parent)
        return {} if table is None else table.of(scan)

    def _near(self, folder: Path) -> Participants | None:
        if folder not in self._read:
            path = folder / FILE
            if path.is_file():
                self._read[folder] = read_participants(path)
            else:
                self._read[folder] = None if folder in (self._root, folder.parent) else self._near(folder.parent)
        return self._read[folder]


def group_of(row: Mapping[str, str]) -> str:
    """The group that a row names."""
    column = _column(tuple(row), GROUPS)
    return row[column].strip() if column else ""


def read_participants(path: Path) -> Participants:
    """Read a table of participants, separated by tabs, or by commas where its name ends in .csv.

    Raises:
        InputError: it is not there, or no column names the subject.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            reader = csv.DictReader(stream, delimiter="," if path.suffix.lower() == ".csv" else "\t", restval="")
            read = [{key: value for key, value in row.items() if isinstance(value, str)} for row in reader]
            columns = tuple(reader.fieldnames or ())
    except FileNotFoundError as error:
        raise InputError("there is no such table", remedy="check the path", file=path) from error
    except OSError as error:
        raise UnreadableError.of(path, error) from error
    except csv.Error as error:
        raise InputError(f"this is no table ({error})", remedy="save it with tabs between cells", file=path) from error
    names = _column(columns, IDS)
    if not names:
        raise InputError("no column names the subject", remedy=f"name one {IDS[0]}", file=path, key=IDS[0])
    table = Participants(path, columns)
    for row in read:
        table.rows[_plain(_subject(row[names]))].append(row)
    return table


def _column(columns: Sequence[str], names: Sequence[str]) -> str:
    return next((column for name in names for column in columns if column.lower() == name), "")


def _subject(text: str) -> str:
    named = named_by_scheme(text)
    return named.subject if named else text


def _plain(text: str) -> str:
    """An id without the word for a subject or session before it: 01 of sub-01, sub_01 and 01."""
    plain = text.strip().lower()
    for word in ("sub-", "sub_", "ses-", "ses_"):
        plain = plain.removeprefix(word)
    return plain
