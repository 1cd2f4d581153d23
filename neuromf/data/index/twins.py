"""The same voxels under two names: one scan is kept, and two subjects who share it are one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from neuromf.data.index.row import Row


def merge_twins(rows: Sequence[Row]) -> list[Row]:
    """Set aside all but the first of the rows with equal voxels, and give their subjects one id.

    A person who is in a cohort under two ids would come into two splits, with every scan of theirs; so the subjects of
    equal voxels are joined under the first id by name, all their scans with them.

    Args:
        rows: the table; those that are taken are compared.
    """
    alike: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.include and row.look.voxels:
            alike[row.look.voxels].append(row)
    first = {voxels: min(group, key=lambda row: row.scan.scan_id) for voxels, group in alike.items()}
    joined = _joined([{row.scan.subject for row in group} for group in alike.values()])
    return [_merged(row, first.get(row.look.voxels), joined) for row in rows]


def _merged(row: Row, first: Row | None, joined: dict[str, str]) -> Row:
    subject = joined.get(row.scan.subject, row.scan.subject)
    if subject != row.scan.subject:
        told = f"the subject was {row.scan.subject}, joined with {subject}: they share the same voxels"
        row = replace(row, scan=replace(row.scan, subject=subject), notes=(*row.notes, told))
    if row.include and first is not None and first.scan.path != row.scan.path:
        row = replace(row, reason=f"the same voxels as another scan: {first.scan.path}")
    return row


def _joined(groups: Sequence[set[str]]) -> dict[str, str]:
    """The first name of each set of subjects that are connected, by subject."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.get(name, name) != name:
            name = leader[name]
        return name

    for group in groups:
        roots = sorted({find(name) for name in group})
        for root in roots:
            leader[root] = roots[0]
    return {name: find(name) for name in leader}
