"""Several nodes, several tasks, several writers, and an encoding before."""

from __future__ import annotations

from pathlib import Path

from neuromf.data.demo import build_demo_cohort
from neuromf.launch.submit import submit
from tools.cluster.queue import ended, job_state, occupy, run, wait_until
from tools.cluster.scenarios.ends import begun, finished
from tools.cluster.seen import Seen
from tools.cluster.training import SETTINGS, STEPS, Workplace, log, saved, scontrol, steps, told


def two_nodes(place: Workplace) -> Seen:
    """Two processes by a rendezvous; a signal as at the time limit."""
    job, number = place.queued("two_nodes", nodes=2, minutes=60)
    begun(job, number)
    where = job_state(number).nodes
    run("scancel", "--batch", "--signal=USR1", number)
    wait_until("the requeue", lambda: job_state(number).state == "PENDING" or ended(number))
    at = saved(job)
    facts = {"on both nodes": where == "node[1-2]", "saved when told": at > 0 and at % 100 != 0}
    facts |= finished(job, number)
    facts["two processes"] = '"ranks": 2' in _run_record(job.run) or "2 processes" in log(job)
    return Seen("two nodes train one run, save when told and go on in the next turn", facts, tuple(told(job)))


def _run_record(folder: Path) -> str:
    path = folder / "run.json"
    return path.read_text() if path.exists() else ""


def two_nodes_preempted(place: Workplace) -> Seen:
    """Preemption without grace."""
    job, number = place.queued("two_nodes_preempted", nodes=2, partition="low")
    begun(job, number)
    occupy(place.root, "urgent")
    wait_until("the requeue", lambda: job_state(number).state == "PENDING" or ended(number))
    at = saved(job)
    facts = {"saved when told": at > 0 and at % 100 != 0, **finished(job, number)}
    return Seen("both nodes save, and go on when they have their nodes again", facts, tuple(told(job)))


def two_nodes_cancelled(place: Workplace) -> Seen:
    """`scancel`."""
    job, number = place.queued("two_nodes_cancelled", nodes=2)
    begun(job, number)
    run("scancel", number)
    wait_until("the end", lambda: ended(number) and not run("squeue", "--noheader", f"--jobs={number}").strip())
    at = saved(job)
    facts = {"saved": at > 0 and at % 100 != 0, "not queued again": job_state(number).state == "CANCELLED"}
    return Seen("both nodes save within KillWait", facts, tuple(told(job)))


def array(place: Workplace) -> Seen:
    """The script of a training as an array, by hand."""
    job = place.write("array")
    number = run("sbatch", "--parsable", "--array=0-1", str(job.script)).strip()
    wait_until("the end", lambda: not run("squeue", "--noheader", f"--jobs={number}").strip())
    facts = {"both refuse": log(job).count("a task of a job array") == 2, "nothing was written": not job.run.exists()}
    return Seen("each task refuses before it touches the run", facts, tuple(told(job)))


def two_writers(place: Workplace) -> Seen:
    """The same script submitted twice."""
    job, first = place.queued("two_writers")
    begun(job, first)
    second = run("sbatch", "--parsable", "--partition=nogpu", str(job.script)).strip()
    wait_until("the end of the second", lambda: ended(second))
    now, at = job_state(first).state, steps(job)
    wait_until("the end of the first", lambda: ended(first))
    refused = [line for line in log(job).splitlines() if "another training" in line]
    facts = {
        "the second ends with 2": job_state(second).exit_code == "2:0",
        "it names the first by its job": any(f"job {first}" in line for line in refused),
        "the first trained on": now == "RUNNING" and job_state(first).state == "COMPLETED" and steps(job) > at,
    }
    return Seen("the second is told who writes there, and the first is not disturbed", facts, tuple(refused))


def _cohort(place: Workplace) -> list[str]:
    folder = place.root / "cohort"
    if not folder.exists():
        build_demo_cohort(folder, subjects=4, seed=3)
    settings = [setting for setting in SETTINGS if not setting.startswith("data.demo_subjects")]
    return [*settings, "data.source=folder", f"data.root={folder}"]


def encoding_before(place: Workplace) -> Seen:
    """Own scans, an array of two tasks, then the training."""
    site = place.root / "encoding.yaml"
    site.write_text("encoding: {minutes: 15, qos: encoding}\n")
    encoding, job = place.write_both("encoded", _cohort(place), site, 2)
    first = submit(encoding)
    second = submit(job, after=first)
    waited = job_state(second).reason
    wait_until("the end of the training", lambda: ended(second))
    facts = {
        "the training waited": waited == "Dependency",
        "it finished": job_state(second).state == "COMPLETED" and steps(job) == STEPS,
        "two tasks, a log each": len(list(job.folder.glob(f"{first}_*.log"))) == 2,
        "it found all scans encoded": "encoded 0 of" not in log(job) and "latents in" in log(job),
    }
    lines = [line for line in log(job).splitlines() if "latents in" in line or "finished" in line]
    return Seen("two tasks encode the scans, and the training starts after both", facts, tuple(lines))


def encoding_cancelled(place: Workplace) -> Seen:
    """The encoding is taken out of the queue."""
    scontrol("update", "PartitionName=nogpu", "State=DOWN")
    site = place.root / "waiting.yaml"
    site.write_text("encoding: {partition: nogpu}\n")
    try:
        encoding, job = place.write_both("unencoded", _cohort(place), site, 1)
        first = submit(encoding)
        second = submit(job, after=first)
        run("scancel", first)
        wait_until("the training to leave the queue", lambda: ended(second))
    finally:
        scontrol("update", "PartitionName=nogpu", "State=UP")
    facts = {"the training left the queue": job_state(second).state == "CANCELLED", "no run": not job.run.exists()}
    return Seen("a training whose encoding will not end well leaves the queue", facts, (job_state(second).reason,))
