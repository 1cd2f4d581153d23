"""What ends a turn of a job on one node."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from neuromf.launch.job import SlurmJob
from tools.cluster.queue import begin_at_once, ended, job_state, occupy, run, wait_until
from tools.cluster.seen import Seen
from tools.cluster.training import STEPS, Workplace, saved, steps, told

BEGUN = 10
"""Steps after which something happens to a training."""


def begun(job: SlurmJob, number: str) -> None:
    """Wait until a training has made some steps."""
    wait_until(f"step {BEGUN}", lambda: steps(job) >= BEGUN or ended(number))


def finished(job: SlurmJob, number: str, *, turns: int = 1) -> dict[str, bool]:
    """Start the next turn at once, wait for the end of the job, and say how it ended."""
    if turns:
        begin_at_once(number)
    wait_until("the end of the job", lambda: _on_to_the_end(number))
    state = job_state(number)
    return {
        "the next turn went on and finished": state.state == "COMPLETED" and steps(job) == STEPS,
        "it was queued again": state.restarts >= turns,
        "each step stands once in the trace": steps(job) == STEPS,
    }


def _on_to_the_end(number: str) -> bool:
    state = job_state(number)
    if state.state == "PENDING" and state.reason == "BeginTime":
        run("scontrol", "update", f"JobId={number}", "StartTime=now")
    return ended(number)


def time_limit(place: Workplace) -> Seen:
    """Two minutes of time, told a minute before; SLURM looks every half a minute."""
    job, number = place.queued("time_limit", sbatch=["--time=2", "--signal=B:USR1@90"])
    begun(job, number)
    wait_until("the signal", lambda: job_state(number).restarts > 0 or ended(number))
    at = saved(job)
    facts = {"saved when told": 0 < at < STEPS and at % 100 != 0, **finished(job, number, turns=0)}
    facts["it was queued again"] = job_state(number).restarts > 0
    return Seen("the job saves, ends with 75, queues itself again and finishes", facts, tuple(told(job)))


def _interrupted(place: Workplace, name: str, partition: str, interrupt: Callable[[str], object]) -> Seen:
    job, number = place.queued(name, partition=partition)
    begun(job, number)
    interrupt(number)
    wait_until("the requeue", lambda: job_state(number).state == "PENDING" or ended(number))
    at = saved(job)
    facts = {"saved when told": at > 0 and at % 100 != 0}
    return Seen("the job saves, and SLURM queues it again", facts | finished(job, number), tuple(told(job)))


def preempted(place: Workplace) -> Seen:
    """A job of more weight takes its node, without grace."""
    return _interrupted(place, "preempted", "low", lambda _: occupy(place.root, "urgent"))


def preempted_with_grace(place: Workplace) -> Seen:
    """A job of more weight, and a minute of grace."""
    return _interrupted(place, "preempted_with_grace", "grace", lambda _: occupy(place.root, "urgent"))


def requeued(place: Workplace) -> Seen:
    """`scontrol requeue`."""
    return _interrupted(place, "requeued", "plain", lambda number: run("scontrol", "requeue", number))


def cancelled(place: Workplace) -> Seen:
    """`scancel`."""
    job, number = place.queued("cancelled")
    begun(job, number)
    run("scancel", number)
    wait_until("the end", lambda: ended(number) and not run("squeue", "--noheader", f"--jobs={number}").strip())
    at = saved(job)
    facts = {
        "saved": at > 0 and at % 100 != 0,
        "not queued again": job_state(number).state == "CANCELLED" and job_state(number).restarts == 0,
        "the lock is gone": not (job.run / ".lock").exists(),
    }
    return Seen("the training saves within KillWait, and is not queued again", facts, tuple(told(job)))


def trainer_killed(place: Workplace) -> Seen:
    """As by the kernel when memory runs out."""
    job, number = place.queued("trainer_killed")
    begun(job, number)
    holder = json.loads((job.run / ".lock").read_text())
    run("kill", "-KILL", str(holder["process"]))
    wait_until("the end", lambda: ended(number))
    facts = {
        "exit code 137": job_state(number).exit_code == "137:0",
        "it says that nothing was saved": any("without a new checkpoint" in line for line in told(job)),
        "the lock names the job": holder["job"] == number,
    }
    return Seen("the job ends with 137 and says that this turn saved nothing", facts, tuple(told(job)))


def job_killed(place: Workplace) -> Seen:
    """Script and trainer at once, as when a node dies; then queued again by hand."""
    job, number = place.queued("job_killed")
    begun(job, number)
    trainer = json.loads((job.run / ".lock").read_text())["process"]
    script = Path(f"/proc/{trainer}/stat").read_text().rpartition(")")[2].split()[1]
    run("kill", "-KILL", script, str(trainer))
    wait_until("the end", lambda: ended(number))
    state = job_state(number).state
    run("scontrol", "requeue", number)
    facts = {"it failed": state in ("FAILED", "CANCELLED"), **finished(job, number)}
    facts["the next turn says what became of the last"] = any("was ended by force" in line for line in told(job))
    return Seen("the next turn says that the last was ended by force, and goes on", facts, tuple(told(job)))
