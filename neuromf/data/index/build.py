"""Builds the table of a folder: names, participants, conditions, headers, voxels, and what stands there twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from neuromf.counted import counted
from neuromf.data.cohort import ANY_VERSION, EVERY_LAYOUT, select_scans
from neuromf.data.index.filters import parse_condition
from neuromf.data.index.look import Look, look_at
from neuromf.data.index.participants import NearestParticipants, group_of
from neuromf.data.index.row import Row
from neuromf.data.index.twins import merge_twins
from neuromf.data.naming import Naming
from neuromf.data.selection import ScanCandidate, Selection
from neuromf.data.versions import Wanted
from neuromf.errors import InputError
from neuromf.processes import worker_pool

_FEW, _FEW_HEADERS = 16, 4_000
"""Scans, and headers alone, of which processes of their own, three seconds to start, cost more than they save."""
_AT_A_TIME = {True: 4, False: 64}
"""Files that a process takes at once, where voxels are read and where they are not."""


@dataclass(frozen=True)
class Asked:
    """What of a folder is asked for.

    Attributes:
        naming: how names are read.
        wanted: which derivatives.
        where: conditions on columns, see `parse_condition`.
        participants: one table for all scans; without it the nearest participants.tsv above each.
        voxels: read them; without, a file is judged by name and header.
    """

    naming: Naming = EVERY_LAYOUT
    wanted: Wanted = ANY_VERSION
    where: tuple[str, ...] = ()
    participants: Path | None = None
    voxels: bool = True


@dataclass(frozen=True)
class Index:
    """The table of a folder.

    Attributes:
        root: the folder.
        rows: one a file, those taken first.
        selection: the same as training sees it.
    """

    root: Path
    rows: tuple[Row, ...]
    selection: Selection

    @property
    def taken(self) -> list[Row]:
        """Rows that are trained on."""
        return [row for row in self.rows if row.include]


def index_folder(
    root: Path, asked: Asked | None = None, *, workers: int = 1, on_progress: Callable[[int, int], None] | None = None
) -> Index:
    """Index a folder.

    Args:
        root: the folder.
        asked: what is asked for.
        workers: processes that read scans.
        on_progress: called with (done, scans) while scans are read.

    Raises:
        InputError: there is no such folder, names do not tell scans or subjects apart, or nothing is left.
    """
    asked, root = asked or Asked(), root.absolute()
    found = select_scans(root, asked.naming, asked.wanted, links="tell")
    participants = NearestParticipants(root, asked.participants)
    rows = [_known(Row(one.scan, one.reason), participants) for one in found.candidates]
    rows = _conditioned(rows, asked.where)
    looks = _looks([row for row in rows if row.include], asked, workers, on_progress)
    rows = merge_twins([_seen(row, next(looks)) if row.include else row for row in rows])
    rows.sort(key=lambda row: (not row.include, row.scan.scan_id, row.scan.path))
    if not any(row.include for row in rows):
        raise _nothing_left(root, rows)
    candidates = tuple(ScanCandidate(row.scan, row.reason) for row in rows)
    return Index(root, tuple(rows), replace(found, candidates=candidates))


def _known(row: Row, participants: NearestParticipants) -> Row:
    known = participants.of(row.scan)
    return replace(row, scan=replace(row.scan, group=row.scan.group or group_of(known)), known=known)


def _conditioned(rows: Sequence[Row], where: Sequence[str]) -> list[Row]:
    """Rows that break a condition get it as their reason."""
    columns = list(dict.fromkeys(name for row in rows for name in (*row.cells(), *row.known)))
    conditions = [parse_condition(text, columns) for text in where]
    return [
        row if row.reason else replace(row, reason=next(filter(None, (c.reason(cells) for c in conditions)), ""))
        for row in rows
        for cells in [{**row.known, **row.cells()}]
    ]


def _looks(
    rows: Sequence[Row], asked: Asked, workers: int, on_progress: Callable[[int, int], None] | None
) -> Iterator[Look]:
    jobs = [(row.scan.path, asked.voxels, row.scan.modality) for row in rows]
    few = workers < 2 or len(jobs) < (_FEW if asked.voxels else _FEW_HEADERS)
    with worker_pool(1 if few else workers) as pool:  # starts none until asked
        looks = map(_look, jobs) if few else pool.map(_look, jobs, chunksize=_AT_A_TIME[asked.voxels])
        for done, look in enumerate(looks, start=1):
            if on_progress is not None:
                on_progress(done, len(jobs))
            yield look


def _look(job: tuple[Path, bool, str]) -> Look:
    path, voxels, modality = job
    return look_at(path, voxels=voxels, modality=modality)


def _seen(row: Row, look: Look) -> Row:
    return replace(row, look=look, reason=look.reason)


def _nothing_left(root: Path, rows: Sequence[Row]) -> InputError:
    first = rows[0]
    left = f"no scan is left of {counted(len(rows), 'file')}"
    problem = f"{left}; of the first, {first.scan.path.name}, the table would say: {first.reason}"
    return InputError(problem, remedy="loosen --where, or give another layout or folder", file=root)
