"""What runs within a SLURM job: one task, until it is answered or the job's time is nearly up."""

from __future__ import annotations

import signal
from dataclasses import asdict
from types import FrameType
from typing import Any, NoReturn

from neuromf.bisect.fleet.messages import reply
from neuromf.bisect.oracle import Outcome, Verdict

WARNING = signal.SIGUSR2
"""What submitit has SLURM send shortly before it kills a job. Its own handler raises a RuntimeError, which an oracle
would take for torch's and call the mixture untestable."""


class _TimeUp(BaseException):
    """Not an Exception, so that nothing in a training takes it for an error of its own."""


def answer_in_job(record: dict[str, Any]) -> dict[str, Any]:
    """Answer a task's record; no verdict when SLURM is about to end the job."""
    before = signal.signal(WARNING, _raise)
    try:
        return reply(record)
    except _TimeUp:
        outcome = Outcome(Verdict.UNDECIDED, detail="SLURM was about to end its job, at its time limit or for another")
        return {"number": record["number"], "outcome": asdict(outcome)}
    finally:
        signal.signal(WARNING, before)


def _raise(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _TimeUp
