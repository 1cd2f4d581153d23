"""`cohort.csv`: every file that a folder offered, whether it is trained on and why, whose it is and how that was found.

The table lies in the latent store, which it does not decide: neither the store's hash nor its manifest knows of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas
import pandera.pandas as pandera
from pandera.errors import SchemaErrors

from neuromf.counted import counted
from neuromf.data.nifti_file import read_header
from neuromf.data.selection import ScanCandidate, Selection
from neuromf.errors import InputError
from neuromf.output import whole_file

COHORT_FILE = "cohort.csv"
_REMEDY = "restore the file, or encode the scans again"


def _ids_differ(table: pandas.DataFrame) -> bool:
    return not bool(table.loc[table["include"], "scan_id"].duplicated().any())


def _reasons_given(table: pandas.DataFrame) -> bool:
    return bool((table["include"] == (table["reason"] == "")).all())


_text = pandera.Column(str)
_named = pandera.Column(str, pandera.Check.str_length(min_value=1))
COHORT_SCHEMA = pandera.DataFrameSchema(
    {
        "scan_id": _named,
        "subject": _named,
        "session": _text,
        "dataset": _text,
        "group": _text,
        "modality": _text,
        "path": _named,
        "include": pandera.Column(bool),
        "reason": _text,
        "subject_from": _text,
        "notes": _text,
    },
    checks=[
        pandera.Check(_ids_differ, name="ids of taken scans differ"),
        pandera.Check(_reasons_given, name="what is left out has a reason"),
    ],
    strict=True,
    ordered=True,
)


def cohort_table(selection: Selection) -> pandas.DataFrame:
    """The table of a folder; the header of every taken scan is read for what is doubtful in it.

    Returns:
        A row a file, as `COHORT_SCHEMA` has it.
    """
    rows = [_row(candidate) for candidate in selection.candidates]
    return COHORT_SCHEMA.validate(pandas.DataFrame(rows, columns=list(COHORT_SCHEMA.columns)))


def describe_selection(selection: Selection, tell: Callable[[str], None] | None = None) -> pandas.DataFrame:
    """The table of a folder, and its sentences told."""
    table = cohort_table(selection)
    if tell is not None:
        for line in (*selection.lines(), *header_lines(table)):
            tell(line)
    return table


def header_lines(table: pandas.DataFrame) -> list[str]:
    """What is doubtful in the headers of taken scans: a sentence with their number and the first, or nothing."""
    doubtful = table[table["include"] & (table["notes"] != "")]
    if doubtful.empty:
        return []
    first = doubtful.iloc[0]
    return [f"{counted(len(doubtful), 'scan')} with a doubtful header, first {first['path']}: {first['notes']}"]


def write_cohort(path: Path, table: pandas.DataFrame) -> None:
    """Write a table, whole or not at all; names that are not UTF-8 keep their bytes."""
    with whole_file(path) as staging:
        table.to_csv(staging, index=False, lineterminator="\n", errors="surrogateescape")


def read_cohort(path: Path) -> pandas.DataFrame:
    """Read and check a table.

    Raises:
        InputError: it is missing, not a table, or breaks the schema.
    """
    try:
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="surrogateescape")
        if wrong := sorted(set(frame["include"]) - {"True", "False"}):
            raise ValueError(f"include is {wrong[0]!r}, not True or False")
        frame["include"] = frame["include"] == "True"
        return COHORT_SCHEMA.validate(frame, lazy=True)
    except SchemaErrors as errors:
        first = errors.failure_cases.iloc[0]
        problem = f"{first['failure_case']!r} in column {first['column']!r} breaks the rule {first['check']}"
        raise InputError(problem, remedy=_REMEDY, file=path) from errors
    except (ValueError, OSError, KeyError) as error:
        raise InputError(f"this is not a table of scans ({error})", remedy=_REMEDY, file=path) from error


def _row(candidate: ScanCandidate) -> dict[str, object]:
    scan = candidate.scan
    return {
        "scan_id": scan.scan_id,
        "subject": scan.subject,
        "session": scan.session,
        "dataset": scan.dataset,
        "group": "",
        "modality": scan.modality,
        "path": str(scan.path.absolute()),
        "include": not candidate.reason,
        "reason": candidate.reason,
        "subject_from": scan.subject_from,
        "notes": "" if candidate.reason else _notes(scan.path),
    }


def _notes(path: Path) -> str:
    try:
        return "; ".join(read_header(path)[1])
    except InputError as error:  # whoever encodes the scan refuses it, or sets it aside
        return f"{error.problem}; {error.remedy}"
