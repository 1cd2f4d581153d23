"""How the processes of a job are started: alone, by torchrun on one node, or by a torchrun on each of several."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass

SIGNALS = "SIGTERM,SIGUSR1"
"""What torchrun passes on to its processes."""
LONE_S = 600
"""Seconds after which srun ends the nodes that are left when one has ended: longer than torchrun waits for the others
(300 s) when all has gone well, and no run stands still for hours because a node has died."""

OWN_NAME = "import socket; print(socket.gethostname())"
"""What a machine calls itself; SLURM's name of a node, which it puts into $HOSTNAME, need not be one of the network."""
PORT = "$((20000 + SLURM_JOB_ID % 10000))"


@dataclass(frozen=True)
class Processes:
    """How many there are.

    Attributes:
        nodes: machines.
        each: processes on each of them.
    """

    nodes: int
    each: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.nodes * self.each


def started(processes: Processes, arguments: Sequence[str]) -> str:
    """What the script runs, as bash reads it; further arguments may follow.

    Args:
        processes: how many.
        arguments: of `python -m neuromf`.
    """
    work = ["-m", "neuromf", *arguments]
    torchrun = ["-m", "torch.distributed.run", f"--nproc-per-node={processes.each}", "--signals-to-handle", SIGNALS]
    if processes.total == 1:
        return shlex.join([sys.executable, *work])
    if processes.nodes == 1:
        return shlex.join([sys.executable, *torchrun, "--standalone", *work])
    # The rendezvous: the first node, where this script runs, and a port that another job of that node hardly has. A
    # node's number is only known on the node itself, which is why there is a shell. srun passes SIGUSR1 on to all.
    meeting = '--master-addr="$MASTER_ADDR" --master-port="$MASTER_PORT" --node-rank="$SLURM_NODEID"'
    launcher = f'exec {shlex.join([sys.executable, *torchrun, f"--nnodes={processes.nodes}"])} {meeting} "$@"'
    srun = ["srun", f"--nodes={processes.nodes}", f"--ntasks={processes.nodes}", "--ntasks-per-node=1"]
    srun += ["--kill-on-bad-exit=0", f"--wait={LONE_S}"]
    meet = f"MASTER_ADDR=$({shlex.join([sys.executable, '-c', OWN_NAME])}) MASTER_PORT={PORT}"
    return f"{meet} {shlex.join(srun)} $cores bash -c {shlex.quote(launcher)} torchrun {shlex.join(work)}"
