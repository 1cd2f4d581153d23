"""What the cluster is asked, and what it refuses."""

from __future__ import annotations

import json

from tools.cluster.files import NODES
from tools.cluster.queue import ended, job_state, run, wait_until
from tools.cluster.seen import Seen
from tools.cluster.training import SETTINGS, STEPS, Workplace, log, saved, scontrol


def launched(place: Workplace) -> Seen:
    """The whole command: gate, submission, training to its end."""
    said = place.launch("--out", "launched", "--gpus", "0", "--minutes", "30", "--qos", "any")
    place.ticket = place.root / "launched.launch" / "ticket.json"
    number = run("squeue", "--noheader", "--format=%i", "--name=launched").strip()
    wait_until("the end of the training", lambda: bool(number) and ended(number))
    kept = place.root / "launched" / "launch.json"
    return Seen(
        "the gate passes, the job trains to its last step, and the run says what was asked for",
        {
            "exit code 0": said.code == 0,
            "the job completed": job_state(number).state == "COMPLETED",
            "the last checkpoint is that of the last step": f"step_{STEPS:08d}" in _checkpoints(place),
            "launch.json in the run": kept.exists() and "qos" in json.loads(kept.read_text())["training"],
        },
        tuple(said.text.splitlines()[-2:]),
    )


def _checkpoints(place: Workplace) -> list[str]:
    return [path.name for path in (place.root / "launched" / "checkpoints").glob("step_*")]


def gpus_per_node_refused(place: Workplace) -> Seen:
    """A site's filter that wants --gres."""
    plain = place.launch("--out", "refused", "--partition", "gres", "--gpus", "1")
    by_gres = place.launch("--out", "refused", "--partition", "gres", "--gpus", "1", "--gres", "gpu:toy", "--dry-run")
    return Seen(
        "the refusal is told before the gate's minute; --gres gpu:toy is taken",
        {
            "exit code 2": plain.code == 2,
            "no smoke training": "smoke training" not in plain.text,
            "the cluster's own words": "not --gpus-per-node" in plain.text,
            "nothing was written": not (place.root / "refused.launch").exists(),
            "--gres is taken": by_gres.code == 0 and "the cluster would take it" in by_gres.text,
        },
        (plain.text.strip().splitlines()[-1],),
    )


THREE = "training.gradient_accumulation_steps=3"
"""What three processes can share."""


def no_gpus(place: Workplace) -> Seen:
    """Nodes without a GPU."""
    said = place.launch("--out", "none", "--partition", "nogpu", "--gpus", "1")
    three = place.launch("--out", "none", "--gpus", "0", "--nodes", "3", settings=(*SETTINGS, THREE))
    return Seen(
        "GPUs that the partition has not, and nodes that the cluster has not, are refused before the gate",
        {
            "exit code 2": said.code == 2,
            "no smoke training": "smoke training" not in said.text,
            "3 nodes": three.code == 2,
        },
        (said.text.strip().splitlines()[-1], three.text.strip().splitlines()[-1]),
    )


def site_file(place: Workplace) -> Seen:
    """The same job by a file."""
    site = place.root / "cluster.yaml"
    site.write_text("partition: gres\ngres: gpu:toy\nminutes: 60\nsbatch: [--nice=5]\nencoding:\n  partition: nogpu\n")
    two = place.launch("--out", "by_site", "--site", str(site), "--gpus", "2", "--minutes", "45", "--dry-run")
    return Seen(
        "the file says partition and kind of GPU, an option outweighs it, the cluster takes the job",
        {
            "exit code 0": two.code == 0,
            "the number of GPUs is added": "#SBATCH --gres=gpu:toy:2" in two.text,
            "no --gpus-per-node beside it": "--gpus-per-node" not in two.text,
            "the option outweighs the file": "#SBATCH --time=45" in two.text,
            "the cluster would take it": "the cluster would take it" in two.text,
        },
        tuple(line for line in two.text.splitlines() if line.startswith("# ")),
    )


def drained(place: Workplace) -> Seen:
    """All nodes down for a while."""
    for node in NODES:
        scontrol("update", f"NodeName={node}", "State=DRAIN", "Reason=rehearsal")
    try:
        said = place.launch("--out", "drained", "--gpus", "0")
        _, number = place.queued("drained_all_the_same")
        waits = job_state(number)
    finally:
        for node in NODES:
            scontrol("update", f"NodeName={node}", "State=RESUME")
    run("scancel", number)
    wait_until("the end", lambda: ended(number))
    return Seen(
        "`sbatch --test-only` refuses what `sbatch` queues; the sentence names --no-cluster-test",
        {
            "exit code 2": said.code == 2,
            "the way out is named": "--no-cluster-test" in said.text,
            "sbatch itself queues it": waits.state == "PENDING",
        },
        (said.text.strip().splitlines()[-1], f"the job that was queued waits: {waits.reason}"),
    )


def promised_gpu(place: Workplace) -> Seen:
    """SLURM gives a GPU that no program finds."""
    job, number = place.queued("promised", gpus=1, partition="gres", gres="gpu:toy")
    wait_until("the end", lambda: ended(number))
    lines = log(job).strip().splitlines()
    return Seen(
        "the training refuses to compute on the CPU, and the job fails",
        {
            "exit code 2": job_state(number).exit_code == "2:0",
            "it says so": "device 'cuda' is not to be had" in log(job),
            "nothing was trained": saved(job) == 0,
        },
        tuple(line for line in lines if line.startswith("neuromf: ")),
    )
