"""What an index found, in counts and sentences."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neuromf.counted import counted
from neuromf.data.index.build import Index
from neuromf.data.index.row import Row

MOST_VALUES = 12
"""Values of a column that a page counts one by one; the rarer ones are counted together."""
NO_CONTRAST = "not told by the name"


@dataclass(frozen=True)
class LeftOut:
    """Files that are set aside for one reason: how many, and the first of them with its whole reason."""

    reason: str
    files: int
    first: str
    told: str


def counts(rows: Sequence[Row], value: Callable[[Row], str]) -> list[tuple[str, int]]:
    """How many rows have each value, the most frequent first."""
    ranked = sorted(Counter(value(row) or "unknown" for row in rows).items(), key=lambda item: (-item[1], item[0]))
    if (rest := len(ranked) - MOST_VALUES) <= 1:
        return ranked
    others = sum(count for _, count in ranked[MOST_VALUES:])
    return [*ranked[:MOST_VALUES], (f"{rest} others", others)]


def data_sets(rows: Sequence[Row]) -> list[tuple[str, int, int, int]]:
    """Data set, subjects, sessions and scans, by name."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.scan.dataset].append(row)
    return [
        (
            name,
            len({row.scan.subject for row in group}),
            len({(row.scan.subject, row.scan.session) for row in group}),
            len(group),
        )
        for name, group in sorted(groups.items())
    ]


def left_out(index: Index) -> list[LeftOut]:
    """Why files are set aside, the most frequent reason first."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in index.rows:
        if row.reason:
            groups[row.reason.partition(": ")[0]].append(row)
    named = [
        LeftOut(reason, len(group), str(group[0].scan.path.relative_to(index.root)), group[0].reason)
        for reason, group in groups.items()
    ]
    return sorted(named, key=lambda one: (-one.files, one.reason))


def by_modality(row: Row) -> str:
    """A row's contrast."""
    return row.scan.modality or NO_CONTRAST


def doubtful(index: Index) -> list[tuple[str, str]]:
    """Taken scans with what is doubtful in each."""
    return [(str(row.scan.path.relative_to(index.root)), note) for row in index.taken if (note := row.cells()["notes"])]


def shown(index: Index, count: int = 12) -> list[Row]:
    """Some taken scans, drawn by a hash of their ids: the same in every look at the same cohort."""
    return sorted(index.taken, key=lambda row: hashlib.sha256(row.scan.scan_id.encode("utf-8", "replace")).digest())[
        :count
    ]


def index_lines(index: Index) -> list[str]:
    """What is taken, left out, guessed and doubtful, a sentence each."""
    lines = index.selection.lines()
    doubts = doubtful(index)
    if doubts:
        path, note = doubts[0]
        lines.append(f"{counted(len(doubts), 'scan')} with something doubtful, first {path}: {note}")
    return lines
