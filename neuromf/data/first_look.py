"""One look at a cohort before any of it is encoded: which scan is which, and which has been settled.

A command asks more than once what is encoded already. Of 100,000 scans each such question is a call of the system a
scan, so the answer is handed on; whether a scan was written since is asked once more, when a run keeps its list.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from neuromf.data.encoded import FEW, EncodedScans, Survey, place_of
from neuromf.data.hash_notes import FileState
from neuromf.data.scan import Scan
from neuromf.data.scan_hashes import file_state
from neuromf.data.store import LatentStore
from neuromf.errors import InputError


@dataclass(frozen=True)
class FirstLook:
    """What was known of a cohort when it was looked at.

    Attributes:
        digests: hash of each scan by its id, as far as it was noted or read; empty where it was not.
        kept: where latents are placed.
        store: the latents of exactly these contents, where the cache had them whole.
        states: of the files of a large cohort by scan id, as far as they are there.
    """

    digests: dict[str, str]
    kept: EncodedScans
    store: LatentStore | None = None
    states: dict[str, FileState] = field(default_factory=dict)

    @cached_property
    def survey(self) -> Survey:
        """What was kept."""
        return self.kept.survey()

    @cached_property
    def complete(self) -> bool:
        """Whether every scan had a latent, so that there is nothing to encode and nothing to set aside."""
        if self.store is not None:
            return True
        encoded, refused = self.survey.encoded, self.survey.refused
        places = {place_of(digest) for digest in self.digests.values()}
        return places <= encoded and not places & refused

    def content(self, scan: Scan, now: os.stat_result) -> str:
        """The hash of a scan, if it is known and the file is as it was; else empty."""
        state = self.states.get(scan.scan_id)
        same = state is not None and state[1:] == (now.st_size, now.st_ino, now.st_mtime_ns, now.st_ctime_ns)
        return self.digests[scan.scan_id] if same else ""

    def missing(self, scans: Sequence[Scan]) -> list[Scan]:
        """Those of the scans that had neither a latent nor a reason."""
        if self.complete:
            return []
        return [scan for scan in scans if not self.survey.settled(self.digests[scan.scan_id])]


def look_at(
    scans: Sequence[Scan], kept: EncodedScans, on_progress: Callable[[int, int], None] | None = None
) -> FirstLook:
    """Look for each scan; a few are read for it, of many only what is noted counts.

    Args:
        scans: the cohort, each with an id of its own.
        kept: where latents are placed.
        on_progress: called with (done, scans) where scans are read.
    """
    digests: dict[str, str] = {}
    if len(scans) > FEW:
        states = {scan.scan_id: state for scan in scans if (state := _state(scan)) is not None}
        digests = {name: kept.hashes.noted_of(state) for name, state in states.items()}
        unknown = {scan.scan_id: "" for scan in scans if scan.scan_id not in states}
        return FirstLook(unknown | digests, kept, states=states)
    for done, scan in enumerate(scans, start=1):
        digests[scan.scan_id] = kept.digest(scan.path, read=True)
        if on_progress is not None:
            on_progress(done, len(scans))
    return FirstLook(digests, kept)


def _state(scan: Scan) -> FileState | None:
    try:
        return file_state(scan.path)
    except InputError:  # whoever needs its voxels tells it better
        return None
