"""Encoding as a job: as many processes as come share a cohort, each scan is done once, and whoever is killed loses one.

A process claims a scan, has it read and preprocessed (by workers of its own, while the autoencoder is at another), and
encodes it under a second claim, of the content: the same scan may lie in two places. It ends when every scan has a
latent or a reason, whoever made it; the scans of a process that died are taken over.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neuromf.data.claims import Claims
from neuromf.data.cohort import Scan
from neuromf.data.content import content_key
from neuromf.data.encode_progress import EncodeProgress
from neuromf.data.encoded import FEW, EncodedScans, Survey, place_of
from neuromf.data.prepared import Prepared, encode_prepared
from neuromf.data.preparing import Submit, chosen_workers, preparing
from neuromf.data.preprocess import Preprocessing
from neuromf.data.quarantine import Quarantined, refuse_too_many, stops
from neuromf.errors import InputError
from neuromf.nets.tiling import OutOfMemoryError

if TYPE_CHECKING:
    from neuromf.nets.vae import LatentCodec

POLL_S = 1.0
"""How long a process waits for scans that others are at before it looks again."""
OnProgress = Callable[[int, int], None]


@dataclass
class EncodeJob:
    """One process's part in encoding a cohort.

    Attributes:
        scans: the cohort.
        kept: where latents are placed.
        preprocessing: of every scan.
        codec: the autoencoder.
        workers: processes that prepare scans ahead; 0 prepares them here, None chooses.
        most: scans that may be set aside; beyond it the job fails.
        report: called with (done, scans).
        before_first: called once, before the first scan is encoded here.
        quarantined: what was set aside, by scan id.
        encoded: scans that went through the autoencoder here.
    """

    scans: Sequence[Scan]
    kept: EncodedScans
    preprocessing: Preprocessing
    codec: LatentCodec
    workers: int | None = 0
    most: int = 0
    report: OnProgress = lambda done, total: None
    before_first: Callable[[], None] = lambda: None
    quarantined: dict[str, Quarantined] = field(default_factory=dict)
    encoded: int = 0

    def run(self) -> list[Quarantined]:
        """Encode what has no latent yet; gives the scans that were set aside, in the cohort's order.

        Raises:
            InputError: more than `most` were; all that can be encoded is kept.
        """
        seen = self.kept.survey()
        waiting = [scan for scan in self.scans if not self._settled(scan, seen)]
        self._ahead = chosen_workers(len(waiting), self.codec.device) if self.workers is None else self.workers
        self._progress = EncodeProgress(self.kept, self.report, len(self.scans) - len(waiting), len(self.scans))
        with (
            Claims(self.kept.folder / "claims") as claims,
            preparing(self.preprocessing, self.kept, min(self._ahead, len(waiting))) as submit,
        ):
            while waiting:
                before = len(waiting)
                waiting = self._pass(waiting, claims, submit)
                if len(waiting) == before:
                    time.sleep(POLL_S)
                    self._progress.wait(len(waiting))
        found = [self.quarantined[scan.scan_id] for scan in self.scans if scan.scan_id in self.quarantined]
        refuse_too_many(found, len(self.scans), self.most, self.kept.folder)
        return found

    def _settled(self, scan: Scan, seen: Survey | None = None) -> bool:
        """Whether it is done, as far as that is known without reading it; in a folder as it was seen, or is now."""
        if scan.scan_id in self.quarantined:
            return True
        digest = self.kept.digest(scan.path, read=len(self.scans) <= FEW)
        if seen is not None and place_of(digest) not in seen.refused:
            return seen.settled(digest)
        return self._content_settled(scan, digest)

    def _content_settled(self, scan: Scan, digest: str) -> bool:
        """Whether this content has a latent or a reason, whoever gave it; with a reason the scan is set aside."""
        if not self.kept.settled(digest):
            return False
        if failure := self.kept.refusal(scan.path, digest):
            self._set_aside(scan, failure, digest)
        return True

    def _pass(self, waiting: list[Scan], claims: Claims, submit: Submit) -> list[Scan]:
        """One turn through the scans that wait; gives those that somebody else is at."""
        left: list[Scan] = []
        ahead: deque[tuple[Scan, str, Callable[[], Prepared]]] = deque()

        def finish() -> None:
            scan, name, result = ahead.popleft()
            prepared = result()
            claims.release(name)
            if self._finish(scan, prepared, claims):
                self._progress.one_more()
            else:
                left.append(scan)

        for scan in waiting:
            if self._settled(scan):
                continue
            name = content_key(str(scan.path.absolute()))[:32]
            if not claims.take(name):
                left.append(scan)
                continue
            ahead.append((scan, name, submit(scan.path)))
            if len(ahead) > self._ahead:
                finish()
        while ahead:
            finish()
        return left

    def _finish(self, scan: Scan, prepared: Prepared, claims: Claims) -> bool:
        """Encode what was prepared; False where somebody else is encoding the same content."""
        if prepared.failure is not None:
            self._set_aside(scan, prepared.failure, prepared.digest, lasting=prepared.lasting)
            return True
        with claims.taken(prepared.digest[:32]) as taken:
            if self._content_settled(scan, prepared.digest):
                return True
            if not taken or prepared.volume is None:
                return False
            try:
                if not self.encoded:
                    self.before_first()
                began = time.perf_counter()
                self.kept.keep(prepared.digest, *encode_prepared(prepared, self.codec))
                self._note(prepared.digest, time.perf_counter() - began)
            except OutOfMemoryError:
                raise
            except InputError as error:
                self._set_aside(scan, error, prepared.digest)
        return True

    def _set_aside(self, scan: Scan, failure: InputError, digest: str, *, lasting: bool = False) -> None:
        if lasting:
            self.kept.refuse(digest, failure)
        self.quarantined[scan.scan_id] = Quarantined(scan, digest, failure)
        if stops(len(self.quarantined), self.most):
            refuse_too_many(list(self.quarantined.values()), len(self.scans), self.most, self.kept.folder)

    def _note(self, digest: str, seconds: float) -> None:
        """A line for each scan that was encoded here, which tells how fast, and that none was done twice."""
        self.encoded += 1
        log = self.kept.folder / "log" / f"{socket.gethostname()}~{os.getpid()}.csv"
        log.parent.mkdir(exist_ok=True)
        with log.open("a", encoding="utf-8") as stream:
            stream.write(f"{digest},{time.time():.3f},{seconds:.3f},{self.codec.device}\n")
