"""Who holds a lock: a process, on which machine, since when; and whether it is certain that it is gone."""

from __future__ import annotations

import datetime
import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from neuromf.scheduled_job import ScheduledJob


@dataclass(frozen=True)
class Holder:
    """One process.

    Attributes:
        host: name of its machine.
        process: its id there.
        since: when it took the lock, local time with its offset.
        by_flock: whether the operating system lets go when it dies.
        began: when it began, as its system counts, empty where that is not told; ids are given again.
        system: the start of that system and its numbering of processes, alike where the id can be asked for.
        job: number of its SLURM job.
        turn: how often that job had been queued again.
        cluster: the cluster whose job that is.
    """

    host: str
    process: int
    since: str
    by_flock: bool = True
    began: str = ""
    system: str = ""
    job: str = ""
    turn: str = ""
    cluster: str = ""

    def __str__(self) -> str:
        job = f" in job {self.job}" if self.job else ""
        return f"process {self.process} on {self.host}{job}, since {self.since}"

    @classmethod
    def here(cls, *, by_flock: bool) -> Self:
        """This process."""
        job = ScheduledJob.here()
        return cls(
            host=socket.gethostname(),
            process=os.getpid(),
            since=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            by_flock=by_flock,
            began=_began(os.getpid()),
            system=_system(),
            job=job.number,
            turn=job.turn,
            cluster=job.cluster,
        )

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What a file says, None where it is absent or says something else."""
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            found = cls(**record)
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        return found if isinstance(found.process, int) and isinstance(found.by_flock, bool) else None

    def text(self) -> str:
        """What `read` reads."""
        return json.dumps(asdict(self)) + "\n"

    def is_gone(self) -> bool:
        """Whether it has certainly ended: its machine knows nothing of it, or its job is over or in a later turn."""
        job = ScheduledJob(self.job, self.turn, self.cluster)
        if job.is_past():
            return True
        if self.host != socket.gethostname() or self.system != _system():
            return job.has_ended()
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False  # another user's
        return _began(self.process) != self.began


def _began(process: int) -> str:
    try:
        return (
            Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
        )
    except (OSError, IndexError):
        return ""


def _system() -> str:
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{start} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
