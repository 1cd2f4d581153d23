"""Which scans of a cohort cannot be used, found before hours are spent on the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from neuromf.counted import counted
from neuromf.data.cohort import Scan
from neuromf.data.nifti import read_volume
from neuromf.data.scan_screen import looks_sound
from neuromf.errors import InputError

NAMED = 10
"""Scans that one sentence names; of more it gives the number."""
VOXELS_READ_OF = 250
"""Scans of which the gate reads voxels: 30 ms (int16) or 75 ms (float32) each for 192^3 voxels in gzip, on two busy
cores, so 20 s at most. Headers, 0.5 to 1.5 ms each, are read of all."""
_READERS = 4
"""Threads: unpacking and the wait for a disk leave Python free for the others; four volumes fit any memory."""


@dataclass(frozen=True)
class BadScan:
    """A scan that cannot be used.

    Attributes:
        scan: which.
        problem: why not.
        remedy: what to do about it.
    """

    scan: Scan
    problem: str
    remedy: str


@dataclass(frozen=True)
class Examination:
    """What a look at a cohort found.

    Attributes:
        scans: number of scans; the header of each was read.
        voxels_of: of how many of them voxels were read too.
        bad: those that cannot be used, in the cohort's order.
        filled: those, among the ones that were read whole, of which NaN was taken for background, each with how much.
    """

    scans: int
    voxels_of: int
    bad: tuple[BadScan, ...]
    filled: tuple[tuple[Scan, str], ...] = ()

    def named(self, most: int = NAMED) -> tuple[str, ...]:
        """The first bad scans, each with its problem."""
        return tuple(f"{bad.scan.path} ({bad.problem})" for bad in self.bad[:most])

    def lines(self) -> tuple[str, ...]:
        """A sentence on the scans whose background was no number; none where there is no such scan."""
        if not self.filled:
            return ()
        scan, filled = self.filled[0]
        return (f"{counted(len(self.filled), 'scan')} with NaN around the head, first {scan.path}: {filled}",)


def examine_scans(
    scans: Sequence[Scan],
    *,
    whole: bool = False,
    voxels_of: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Examination:
    """Look at every scan of a cohort.

    The quick form reads each header and the size of each file, and two slices of the voxels, which costs a quarter of
    unpacking. What looks wrong there is read whole, so that only a scan that `read_volume` refuses is called bad.

    Args:
        scans: the cohort.
        whole: read every scan whole: nothing that `read_volume` refuses is missed then.
        voxels_of: most scans of which the quick form reads voxels, spread evenly over the cohort; all when None.
        on_progress: called with (done, scans) after each scan.

    Returns:
        What was found; a scan that cannot be read raises nothing.
    """
    chosen = _evenly(len(scans) if voxels_of is None else voxels_of, len(scans))
    jobs = [partial(_look, scan, whole=whole, voxels=index in chosen) for index, scan in enumerate(scans)]
    found: list[BadScan] = []
    filled: list[tuple[Scan, str]] = []
    pool = ThreadPoolExecutor(_READERS)
    try:
        for done, seen in enumerate(pool.map(lambda job: job(), jobs), start=1):
            if isinstance(seen, BadScan):
                found.append(seen)
            elif seen:
                filled.append((scans[done - 1], seen))
            if on_progress is not None:
                on_progress(done, len(scans))
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C waits for four scans, not for the cohort
    return Examination(len(scans), len(chosen), tuple(found), tuple(filled))


def refuse_bad_scans(examination: Examination) -> None:
    """End where some scans cannot be used, naming them together.

    Raises:
        InputError: some cannot.
    """
    bad, named = examination.bad, examination.named()
    if not bad:
        return
    more = f"; and {len(bad) - len(named)} more" if len(bad) > len(named) else ""
    problem = f"{len(bad)} of {examination.scans} scans cannot be used: {'; '.join(named)}{more}"
    remedy = "move them out of the folder or repair them (`neuromf gate CONFIG --json FILE` names all, with remedies)"
    raise InputError(problem, remedy=remedy, key="data.root")


def _evenly(count: int, total: int) -> frozenset[int]:
    """At most `count` of the indices below `total`, at equal distances: the same in every look."""
    return frozenset(index * total // count for index in range(count)) if count < total else frozenset(range(total))


def _look(scan: Scan, *, whole: bool, voxels: bool) -> BadScan | str:
    """What is wrong with a scan, else what was taken for its background."""
    try:
        sound = looks_sound(scan.path, voxels=voxels and not whole)
        return read_volume(scan.path).filled if whole or not sound else ""
    except InputError as error:
        return BadScan(scan, error.problem, error.remedy)
