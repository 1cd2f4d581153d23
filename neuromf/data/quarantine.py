"""Scans that cannot be used: set aside with the reason, up to a share of the cohort."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuromf.data.scan import Scan
from neuromf.errors import InputError
from neuromf.output import write_output

QUARANTINE_FILE = "quarantine.csv"
COLUMNS = ("scan_id", "subject", "path", "sha256", "problem", "remedy")
NAMED = 10
"""Scans that one sentence names, and that a job looks at before it gives up: one of a kind says less than ten do."""


@dataclass(frozen=True)
class Quarantined:
    """A scan that was set aside.

    Attributes:
        scan: which.
        digest: sha256 of its content; empty where it could not be read.
        failure: why.
    """

    scan: Scan
    digest: str
    failure: InputError


def most_quarantined(share: float, scans: int) -> int:
    """How many of a cohort's scans may be set aside: the share, rounded down."""
    return math.floor(share * scans + 1e-9)


def stops(count: int, most: int) -> bool:
    """Whether so many are set aside that a job does not go on to look for more."""
    return count > max(most, NAMED)


def refuse_too_many(found: Sequence[Quarantined], scans: int, most: int, folder: Path) -> None:
    """End a job that set aside more than it may; the table of all of them is left in `folder`.

    Raises:
        InputError: there are too many.
    """
    if len(found) <= most:
        return
    besides = "the others that were encoded are kept"
    if len(found) > NAMED:
        folder.mkdir(parents=True, exist_ok=True)
        write_quarantine(folder / QUARANTINE_FILE, found)
        besides += f", and {folder / QUARANTINE_FILE} names all"
    if most:
        besides = f"data.max_quarantined allows {most}; {besides}"
    raise unusable_scans([one.failure for one in found], scans, besides)


def unusable_scans(failures: Sequence[InputError], total: int, besides: str) -> InputError:
    """One sentence about all scans that cannot be used.

    Args:
        failures: what is wrong with each, with its file.
        total: scans that were looked at.
        besides: what the reader should know besides.
    """
    if len(failures) == 1:
        first = failures[0]
        return InputError(f"{first.problem} ({besides})", remedy=first.remedy, file=first.file, key=first.key)
    named = "; ".join(f"{failure.file}: {failure.problem}" for failure in failures[:NAMED])
    more = f"; and {len(failures) - NAMED} more" if len(failures) > NAMED else ""
    problem = f"{len(failures)} of {total} scans cannot be used ({named}{more}); {besides}"
    return InputError(problem, remedy="repair them, or take them out of the folder")


def write_quarantine(path: Path, found: Sequence[Quarantined]) -> None:
    """Write the table, whole or not at all."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in found:
        scan, failure = one.scan, one.failure
        rows.writerow([scan.scan_id, scan.subject, scan.path, one.digest, failure.problem, failure.remedy])
    write_output(path, text.getvalue())
