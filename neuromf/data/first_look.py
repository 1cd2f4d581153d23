"""One look at a cohort before any of it is encoded: which scan is which, and which has been settled.

A command asks more than once what is encoded already. Of 100,000 scans each such question is a call of the system a
scan, so the answer is handed on; whether a scan was written since is asked once more, when a run keeps its list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neuromf.data.encoded import FEW, EncodedScans, Survey, place_of
from neuromf.data.scan import Scan


@dataclass(frozen=True)
class FirstLook:
    """What was known of a cohort when it was looked at.

    Attributes:
        digests: hash of each scan by its id, as far as it was noted or read; empty where it was not.
        survey: what was kept.
    """

    digests: dict[str, str]
    survey: Survey

    @property
    def complete(self) -> bool:
        """Whether every scan had a latent, so that there is nothing to encode and nothing to set aside."""
        encoded, refused = self.survey.encoded, self.survey.refused
        places = {place_of(digest) for digest in self.digests.values()}
        return places <= encoded and not places & refused

    def missing(self, scans: Sequence[Scan]) -> list[Scan]:
        """Those of the scans that had neither a latent nor a reason."""
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
    survey, few, digests = kept.survey(), len(scans) <= FEW, {}
    for done, scan in enumerate(scans, start=1):
        digests[scan.scan_id] = kept.digest(scan.path, read=few)
        if few and on_progress is not None:
            on_progress(done, len(scans))
    return FirstLook(digests, survey)
