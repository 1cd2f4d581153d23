"""The scans that a run began with, as they were then: enough to see that one has changed and to encode them again."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas
import pandera.pandas as pandera
from pandera.errors import SchemaErrors

from neuromf.data.cohort import Scan
from neuromf.data.first_look import FirstLook
from neuromf.data.hash_notes import FileState
from neuromf.data.scan_hashes import ScanHashes, state_of
from neuromf.errors import InputError

NAMED = 3
"""Changed scans that a refusal names; it counts the others."""
_REMEDY = "restore the file from a copy of the run"
_SCAN = tuple(field.name for field in fields(Scan))
_SCHEMA = pandera.DataFrameSchema(
    {
        "subject": pandera.Column(str, pandera.Check.str_length(min_value=1)),
        "scan_id": pandera.Column(str, pandera.Check.str_length(min_value=1), unique=True),
        "path": pandera.Column(str, pandera.Check.str_startswith("/")),
        "size": pandera.Column("int64", pandera.Check.ge(0)),
        "mtime_ns": pandera.Column("int64"),
        "sha256": pandera.Column(str, pandera.Check.str_matches(r"^([0-9a-f]{64})?\Z"), required=False),
    },
    strict=False,  # what else is known of a scan may differ from version to version
    coerce=True,
)


@dataclass(frozen=True)
class FrozenScan:
    """A scan and the state of its file when the run began.

    Attributes:
        scan: whose head it is and where the file lies, an absolute path.
        size: of the file in bytes.
        mtime_ns: when it was written, in nanoseconds since 1970.
        sha256: of its content; empty in a list of an earlier version, and where it could not be read.
    """

    scan: Scan
    size: int
    mtime_ns: int
    sha256: str = ""

    def change(self, hashes: ScanHashes | None = None) -> str:
        """What became of the file since, as a clause that names it; empty where it is as it was."""
        path = self.scan.path
        try:
            state = path.stat()
        except FileNotFoundError:
            return f"{path} is gone"
        except OSError as error:
            return f"{path} cannot be looked at ({error.strerror})"
        if state.st_size != self.size:
            return f"{path} has another size ({state.st_size:,} bytes, not {self.size:,})"
        if self.sha256:
            return "" if _content(path, hashes or ScanHashes()) == self.sha256 else f"{path} holds something else"
        if state.st_mtime_ns != self.mtime_ns:
            return f"{path} was written since ({_date(state.st_mtime_ns)}, not {_date(self.mtime_ns)})"
        return ""


def freeze(scans: Sequence[Scan], hashes: ScanHashes | None = None, look: FirstLook | None = None) -> list[FrozenScan]:
    """The scans as they are now.

    Args:
        scans: the scans.
        hashes: of their contents, as far as they are known.
        look: at the same scans before; a file that is as it was then has the hash that it had.

    Raises:
        InputError: one cannot be looked at.
    """
    frozen, known = [], hashes or ScanHashes()
    for scan in scans:
        path = scan.path.absolute()
        try:
            state = path.stat()
        except OSError as error:
            problem = f"cannot be looked at ({error.strerror})"
            raise InputError(problem, remedy="restore it or leave it out", file=path) from error
        content = "" if look is None else look.content(scan, state)
        content = content or _content(path, known, state_of(path, state))
        placed = scan if path is scan.path else replace(scan, path=path)
        frozen.append(FrozenScan(placed, state.st_size, state.st_mtime_ns, content))
    return frozen


def refuse_changed(scans: Sequence[FrozenScan], table: Path, hashes: ScanHashes | None = None) -> None:
    """Make sure that all scans are there, as they were.

    Args:
        scans: the frozen list.
        table: its file, for the message.
        hashes: of the files' contents, as far as they are known.

    Raises:
        InputError: naming those that are missing or changed.
    """
    changes = [change for scan in scans if (change := scan.change(hashes))]
    if not changes:
        return
    more = f", and {len(changes) - NAMED} more" if len(changes) > NAMED else ""
    count = f"{len(changes)} of the {len(scans)} scans that the run began with"
    problem = f"{count} must be encoded again and are not as they were: {', '.join(changes[:NAMED])}{more}"
    raise InputError(problem, remedy="restore them, or start a new run", file=table)


def write_scans(path: Path, scans: Sequence[FrozenScan]) -> None:
    """Write the list as CSV; a name that is not UTF-8 keeps its bytes."""
    cells = attrgetter(*_SCAN)
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        # All quoted: a path may hold a comma, a quote or the end of a line.
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow([*_SCAN, "size", "mtime_ns", "sha256"])
        writer.writerows((*cells(one.scan), one.size, one.mtime_ns, one.sha256) for one in scans)


def read_scans(path: Path) -> list[FrozenScan]:
    """Read and check the list.

    Raises:
        InputError: it is missing, no table, or breaks the schema.
    """
    try:
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="surrogateescape")
        table = _SCHEMA.validate(frame, lazy=True)
    except SchemaErrors as errors:
        first = errors.failure_cases.iloc[0]
        problem = f"{str(first['failure_case'])!r} breaks the rule {first['check']}"
        raise InputError(problem, remedy=_REMEDY, file=path, key=str(first["column"])) from errors
    except (OSError, ValueError) as error:
        raise InputError(f"this is no list of scans ({error})", remedy=_REMEDY, file=path) from error
    known = [name for name in _SCAN if name in table.columns]
    scans = [_scan(dict(zip(known, row, strict=True))) for row in table[known].itertuples(index=False)]
    contents = table["sha256"].tolist() if "sha256" in table.columns else [""] * len(scans)
    states = zip(scans, table["size"].tolist(), table["mtime_ns"].tolist(), contents, strict=True)
    return [FrozenScan(scan, int(size), int(mtime), content) for scan, size, mtime, content in states]


def _scan(cells: dict[str, Any]) -> Scan:
    return Scan(**{**cells, "path": Path(cells["path"])})


def _content(path: Path, hashes: ScanHashes, state: FileState | None = None) -> str:
    """Hash of a file; empty where it cannot be read, which whoever needs its voxels tells better."""
    try:
        return hashes.of(path, state)
    except InputError:
        return ""


def _date(nanoseconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(nanoseconds / 1e9, tz=datetime.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
