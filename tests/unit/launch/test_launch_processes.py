"""How the processes of a job are started, with stand-ins for srun and torchrun in a real shell."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from neuromf.launch.processes import Processes, started


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """Run a command with stand-ins; one line of words for each node, before it the rendezvous."""
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/bash\nif [ "$1" = -c ]; then exec {sys.executable} "$@"; fi\n'
        'printf "%s %s" "$MASTER_ADDR" "$MASTER_PORT"; printf " <%s>" "$@"; echo\n'
    )
    srun = tmp_path / "srun"
    srun.write_text(
        "#!/bin/bash\nwords=()\n"
        'while [[ $1 == --* ]]; do words+=("$1"); shift; done\necho "srun ${words[*]}"\n'
        'for node in 0 1; do SLURM_NODEID=$node "$@"; done\n'
    )
    for program in (python, srun):
        program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))

    def run(command):
        around = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "1234567", "HOSTNAME": "node1"}
        script = f"set -u\ncores=--cpus-per-task=3\n{command} --out 'a run'"
        ended = subprocess.run(["bash", "-c", script], env=around, capture_output=True, text=True, check=True)
        return ended.stdout.splitlines()

    return run


def test_a_torchrun_on_each_node_knows_its_number_and_where_they_meet(seen):
    """The name that the first node gives itself, a port by the job's number, and every argument whole."""
    srun, first, second = seen(started(Processes(2, 4), ["train", "a config.yaml"]))
    assert srun.startswith("srun --nodes=2 --ntasks=2 --ntasks-per-node=1 --kill-on-bad-exit=0 --wait=600")
    assert srun.endswith("--cpus-per-task=3")
    assert first.startswith(f"{socket.gethostname()} 24567 <-m> <torch.distributed.run> <--nproc-per-node=4>")
    assert f"<--master-addr={socket.gethostname()}> <--master-port=24567> <--node-rank=0>" in first
    assert first.endswith("<-m> <neuromf> <train> <a config.yaml> <--out> <a run>")
    assert second == first.replace("--node-rank=0", "--node-rank=1")


@pytest.mark.parametrize(("each", "words"), [(1, "-m neuromf train"), (2, "-m torch.distributed.run")])
def test_on_one_node_there_is_no_srun(each, words):
    """One process is started as it is, several by torchrun, which needs no meeting place."""
    command = started(Processes(1, each), ["train"])
    assert "srun" not in command
    assert words in command
    assert ("--standalone" in command) is (each == 2)
