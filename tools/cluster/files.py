"""The configuration of the rehearsal's cluster, as the text files that its daemons read."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

NODES = ("node1", "node2")
CORES, MEMORY_MB = 16, 64_000
"""What each node says it has; `config_overrides` has the daemons believe it."""
KILL_WAIT_S = 10
"""Seconds between SIGTERM and SIGKILL."""
GRACE_S = 60
"""Seconds that a preempted job of the partition `grace` has to end."""


@dataclass(frozen=True)
class Ports:
    """Free ports: one of the controller, one of each node."""

    controller: int
    nodes: tuple[int, ...]


def texts(folder: Path, ports: Ports, version: tuple[int, int]) -> dict[str, str]:
    """Every file, by name.

    Args:
        folder: where they lie, with all that the daemons write.
        ports: of the daemons.
        version: of SLURM, year and month.
    """
    return {
        "slurm.conf": _daemons(folder, ports) + _scheduling() + _nodes(ports) + PARTITIONS,
        # Nothing is put into a cgroup; before 23.11 the plugin had to be one that exists.
        "cgroup.conf": f"CgroupPlugin={'disabled' if version >= (23, 11) else 'cgroup/v1'}\n",
        # Device files that any machine has stand for GPUs, which no program finds.
        "gres.conf": "NodeName=node1 Name=gpu Type=toy File=/dev/zero,/dev/null\n",
        "cli_filter.lua": FILTER,
    }


def _daemons(folder: Path, ports: Ports) -> str:
    host = socket.gethostname()
    return f"""\
ClusterName=rehearsal
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports.controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
CliFilterPlugins=lua
"""


def _scheduling() -> str:
    return f"""\
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
KillWait={KILL_WAIT_S}
OverTimeLimit=0
MinJobAge=600
"""


def _nodes(ports: Ports) -> str:
    host = socket.gethostname()
    has = f"CPUs={CORES} RealMemory={MEMORY_MB}"
    gpus = {"node1": " Gres=gpu:toy:2"}
    return "".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} {has}{gpus.get(name, '')}\n"
        for name, port in zip(NODES, ports.nodes, strict=True)
    )


PARTITIONS = f"""\
PartitionName=plain Nodes=node1,node2 Default=YES
PartitionName=nogpu Nodes=node2
PartitionName=gres Nodes=node1
PartitionName=low Nodes=node1,node2 PriorityTier=1 PreemptMode=REQUEUE GraceTime=0
PartitionName=grace Nodes=node1,node2 PriorityTier=1 PreemptMode=REQUEUE GraceTime={GRACE_S}
PartitionName=urgent Nodes=node1,node2 PriorityTier=10 PreemptMode=OFF
"""

FILTER = """\
-- The partition `gres` is one of a site that wants GPUs asked for by --gres.
function slurm_cli_setup_defaults(options, early) return slurm.SUCCESS end
function slurm_cli_pre_submit(options, offset)
  if options["partition"] == "gres" and options["gpus-per-node"] ~= nil then
    slurm.log_error("this partition takes --gres=gpu:toy:N, not --gpus-per-node")
    return slurm.ERROR
  end
  return slurm.SUCCESS
end
function slurm_cli_post_submit(offset, job, step) return slurm.SUCCESS end
"""
