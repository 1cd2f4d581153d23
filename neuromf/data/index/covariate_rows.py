"""What is known of each scan's subject, as text: from the table, from participants.tsv, or of the built-in cohort."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from neuromf.config.covariates import Covariate, parse_covariates
from neuromf.config.schema import Config
from neuromf.counted import counted
from neuromf.data.cohort import subject_id
from neuromf.data.index.participants import FILE, NearestParticipants
from neuromf.data.scan import Scan
from neuromf.data.variation import draw_subject, subject_generator
from neuromf.errors import InputError

Row = Mapping[str, str]
OF_A_SCAN = ("session", "dataset", "modality", "group")
"""What a scan itself says, where no table has such a column."""


def covariate_rows(config: Config, scans: Sequence[Scan]) -> dict[str, dict[str, str]]:
    """The covariates of each scan, by scan id, then by column; a value that is not known is empty.

    Args:
        config: which covariates, and where the scans come from.
        scans: those that are trained on; none for the built-in cohort.

    Raises:
        InputError: no table has a column, a value is none that the configuration allows, or one is known of nobody.
    """
    columns = parse_covariates(config.covariates.columns)
    if not columns:
        return {}
    if config.data.source == "demo":
        return _checked(_demo(config, columns), columns, None)
    root = Path(config.data.root or "")
    if config.data.source == "table":
        place, of_table = root, _table_rows(root)
        rows = {scan.scan_id: of_table[scan.scan_id] for scan in scans}
    else:
        place, participants = root / FILE, NearestParticipants(root)
        rows = {scan.scan_id: participants.of(scan) for scan in scans}
    said = {scan.scan_id: {**_of_scan(scan), **rows[scan.scan_id]} for scan in scans}
    return _checked(said, columns, place)


def covariate_lines(config: Config, rows: Mapping[str, Row]) -> list[str]:
    """A sentence for each covariate that is not known of every scan."""
    lines = []
    for one in parse_covariates(config.covariates.columns):
        known = sum(any(one.encode(row[one.name])) for row in rows.values())
        if known < len(rows):
            lines.append(f"{one.name} is known of {known:,} of {counted(len(rows), 'scan')}")
    return lines


def _of_scan(scan: Scan) -> dict[str, str]:
    return {name: text for name in OF_A_SCAN if (text := getattr(scan, name))}


def _table_rows(path: Path) -> dict[str, Row]:
    """Rows by scan id; the table was read before, so that it is one."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        return {row["scan_id"].strip(): row for row in csv.DictReader(stream)}


def _demo(config: Config, columns: Sequence[Covariate]) -> dict[str, dict[str, str]]:
    """What was drawn for each head."""
    data, found = config.data, {}
    for index in range(data.demo_subjects):
        draws = asdict(draw_subject(subject_generator(data.demo_seed, index)))
        scan_id = f"{subject_id(index)}_T1w"  # of its one file, see `build_demo_cohort`
        found[scan_id] = {one.name: f"{draws[one.name]:.17g}" for one in columns if one.name in draws}
    return found


def _checked(rows: Mapping[str, Row], columns: Sequence[Covariate], place: Path | None) -> dict[str, dict[str, str]]:
    """Of each row the covariates alone, all of them values that can be encoded."""
    for one in columns:
        if not any(one.name in row for row in rows.values()):
            raise _no_column(one, rows, place)
        known = 0
        for scan_id, row in rows.items():
            try:
                known += any(one.encode(row.get(one.name, "")))
            except ValueError as error:
                remedy = "change it there to n/a, or the covariate in the configuration"
                problem = f"{one.name} of {scan_id}: {error}"
                raise InputError(problem, remedy=remedy, file=place, key="covariates.columns") from error
        if not known:
            remedy = "leave it out, or fill in the column"
            raise InputError(f"{one.name} is known of no scan", remedy=remedy, file=place, key="covariates.columns")
    return {scan_id: {one.name: row.get(one.name, "").strip() for one in columns} for scan_id, row in rows.items()}


def _no_column(one: Covariate, rows: Mapping[str, Row], place: Path | None) -> InputError:
    there = sorted({name for row in rows.values() for name in row})
    remedy = f"use one of {', '.join(there[:12])}" if there else "give the folder a participants.tsv, or use a table"
    return InputError(f"no scan has a column {one.name!r}", remedy=remedy, file=place, key="covariates.columns")
