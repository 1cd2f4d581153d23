"""A job of SLURM, and whether it is certain that none of its processes lives."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import Self

WAITING = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT")
"""States of a job that has no node."""
ENDED = (
    "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "BOOT_FAIL", "DEADLINE",
)  # fmt: skip
"""States of a job whose processes are gone; while they are being ended it is COMPLETING."""
UNKNOWN = "Invalid job id specified"
"""What the controller says of a job that it has forgotten, some minutes after its end."""
ANSWER_S = 30


@dataclass(frozen=True)
class ScheduledJob:
    """One turn of a job; all fields are empty outside SLURM.

    Attributes:
        number: its id.
        turn: how often it had been queued again.
        cluster: the cluster whose id that is.
    """

    number: str = ""
    turn: str = ""
    cluster: str = ""

    @classmethod
    def here(cls) -> Self:
        """The job that this process belongs to."""
        number = os.environ.get("SLURM_JOB_ID", "")
        if not number:
            return cls()
        turn = os.environ.get("SLURM_RESTART_COUNT", "") or "0"
        return cls(number, turn, os.environ.get("SLURM_CLUSTER_NAME", ""))

    def is_past(self) -> bool:
        """Whether this process belongs to a later turn of the same job, of which no two run at once."""
        here = type(self).here()
        same = here.number == self.number and self.cluster in ("", here.cluster)
        return bool(self.number) and same and here.turn != self.turn

    def has_ended(self) -> bool:
        """Whether the scheduler says that none of its processes is left; False where it cannot be asked.

        It is asked from a job of the same cluster alone: another cluster's ids are other jobs.
        """
        here = type(self).here()
        if not (self.number and self.cluster and here.cluster == self.cluster and here.number != self.number):
            return False
        command = ["squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={self.number}"]
        around = {name: value for name, value in os.environ.items() if not name.startswith("SQUEUE_")}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=ANSWER_S, env=around, errors="replace"
            )
        except (OSError, subprocess.SubprocessError):
            return False
        if done.returncode:
            return UNKNOWN in done.stderr
        states = done.stdout.split()
        return all(state in WAITING + ENDED for state in states)
