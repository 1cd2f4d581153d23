"""`neuromf launch` with a scheduler of two lines, and its job script in a real shell."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command_line import run_command
from tiny_run import make_tiny_config

import tools.commands.gate
from neuromf.config import config_hash, load_config
from neuromf.config.resolve import resolved_text
from neuromf.trace.reader import read_trace
from neuromf.train.checkpoint import latest_checkpoint
from tools.gate.verdict import Verdict
from tools.launch.job import Job

ROOT = Path(__file__).parents[2]


def program(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def launch(monkeypatch, capsys, tmp_path):
    """Run `neuromf launch` where `sbatch` queues nothing; the smoke training is left out, the laws are asked."""
    program(tmp_path / "bin", "sbatch", f'echo "$@" >> {tmp_path}/queued; echo "4711;cluster"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(tools.commands.gate, "_smoke", lambda settings, sources: None)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(monkeypatch, capsys, "launch", *arguments)


def test_what_passes_is_queued_with_the_verdict_on_it(launch, tmp_path):
    """The script trains the very configuration that was judged, and the ticket is for that."""
    ended = launch("smoke", "--out", "run", "--set", "training.seed=3", "--minutes", "90", "--sbatch=--account=ours")

    assert ended.returncode == 0
    assert "job 4711 trains" in ended.stdout
    folder = tmp_path / "run.launch"
    judged = load_config(["smoke"], ["training.seed=3"])
    assert load_config([str(folder / "config.yaml")]) == judged
    assert json.loads((folder / "ticket.json").read_text())["config_hash"] == config_hash(judged)
    assert (tmp_path / "queued").read_text() == f"--parsable {folder / 'job.sh'}\n"
    lines = (folder / "job.sh").read_text().splitlines()
    assert {"#SBATCH --time=90", "#SBATCH --account=ours", "#SBATCH --gpus-per-node=1"} <= set(lines)
    assert not (tmp_path / "run").exists()


def test_what_a_law_blocks_is_not_queued(launch, tmp_path):
    """Exit code 1 with the table of the gate, and nothing is written."""
    ended = launch("failed_225", "--set", "vae.checkpoint=demo", "--out", "run")
    assert ended.returncode == 1
    assert "blocked by: TIME-004" in ended.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


def test_written_only_it_waits_for_its_user(launch, tmp_path):
    """--write-only leaves the script and says what to type."""
    ended = launch("smoke", "--out", "run", "--write-only")
    assert ended.returncode == 0
    assert f"next: sbatch {tmp_path / 'run.launch' / 'job.sh'}" in ended.stdout
    assert not (tmp_path / "queued").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["smoke", "--out", "bin"], "exists already"),
        (["smoke", "--out", "no/such/run"], "no folder to stand in"),
        (["smoke", "--out", "run", "--gpus", "3"], "cannot be shared by 3"),
        (["smoke", "--out", "run", "--sbatch", "account"], "no option"),
        (["smoke", "--out", "run", "--sbatch", "--a=b\n#SBATCH --c"], "no option"),
        (["recommended", "--out", "run"], "autoencoder_v2.pt"),
        (["smoke", "--out", "run", "--set", "data.source=folder", "--set", "data.root=none"], "no such folder"),
        (["smoke", "--out", "run", "--minutes", "0"], "minutes"),
    ],
)
def test_what_would_end_the_job_ends_the_launch(launch, tmp_path, arguments, words):
    """One sentence, exit code 2, nothing written and nothing queued."""
    ended = launch(*arguments)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


@pytest.mark.parametrize(
    ("sbatch", "words"), [("echo 'invalid account' >&2; exit 1", "'invalid account'"), (None, "cannot be run")]
)
def test_a_refused_job_leaves_nothing_in_the_way(launch, monkeypatch, tmp_path, sbatch, words):
    """What the scheduler says is passed on, and the same launch may be tried again."""
    if sbatch is None:
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        program(tmp_path / "bin", "sbatch", sbatch)
    ended = launch("smoke", "--out", "run")
    assert ended.returncode == 2
    assert words in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


@pytest.fixture
def job(tmp_path):
    """A script that trains a tiny run, with a ticket for it; `scontrol` notes what it is asked."""
    config = make_tiny_config("training.epochs=16")
    made = Job(run=tmp_path / "a run", folder=tmp_path / "a run.launch", gpus=0, minutes=5)
    made.folder.mkdir()
    made.config.write_text(resolved_text(config))
    ticket = Verdict(name="tiny", config_hash=config_hash(config), results=[], smoke=None, seconds=0.0)
    made.ticket.write_text(ticket.to_json())
    made.script.write_text(made.text())
    program(tmp_path / "bin", "scontrol", f'echo "$@" >> {tmp_path}/asked')
    return made


def start(job, tmp_path):
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "NEUROMF_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "SLURM_JOB_ID": "4711",
    }
    return subprocess.Popen(
        ["bash", str(job.script)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_a_job_whose_time_is_up_saves_is_queued_again_and_finishes(job, tmp_path):
    """SIGUSR1 to the shell alone, as SLURM sends it: a checkpoint, a requeue, and the next turn goes on from there."""
    trace = job.run / "trace.csv"
    first = start(job, tmp_path)
    while first.poll() is None and not (trace.exists() and trace.read_text().count("\n") > 3):
        time.sleep(0.05)
    first.send_signal(signal.SIGUSR1)
    said = first.communicate()[0].decode()
    assert first.returncode == 75, said
    assert (tmp_path / "asked").read_text() == "requeue 4711\n"
    saved = len(read_trace(trace))
    assert latest_checkpoint(job.run).step == saved

    second = start(job, tmp_path)
    said = second.communicate()[0].decode()
    assert second.returncode == 0, said
    assert "finished at optimiser step 48" in said
    assert len(read_trace(trace)) == 48 > saved
    assert (tmp_path / "asked").read_text() == "requeue 4711\n"
    assert json.loads((job.run / "run.json").read_text())["gate"] == "PASS, by ticket, for the configuration alone"
