"""What may happen to a job, each a function that makes it happen and says what was seen."""

from __future__ import annotations

from tools.cluster.scenarios import asking, ends, several
from tools.cluster.seen import Scenario

SCENARIOS: dict[str, Scenario] = {
    "launch": asking.launched,
    "gpus-per-node refused": asking.gpus_per_node_refused,
    "no GPU in the partition": asking.no_gpus,
    "site file": asking.site_file,
    "nodes drained": asking.drained,
    "promised GPU is not there": asking.promised_gpu,
    "time limit": ends.time_limit,
    "preempted": ends.preempted,
    "preempted with grace": ends.preempted_with_grace,
    "requeued by hand": ends.requeued,
    "cancelled": ends.cancelled,
    "trainer killed": ends.trainer_killed,
    "job killed": ends.job_killed,
    "two nodes": several.two_nodes,
    "two nodes preempted": several.two_nodes_preempted,
    "two nodes cancelled": several.two_nodes_cancelled,
    "job array": several.array,
    "two writers": several.two_writers,
    "encoding before": several.encoding_before,
    "encoding cancelled": several.encoding_cancelled,
}
"""By name, in the order they are played; the first judges the configuration for those that follow."""
