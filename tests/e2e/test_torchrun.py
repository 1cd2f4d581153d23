"""`neuromf train` as torchrun or another launcher starts it: two processes, one run, the command unchanged."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuromf.trace.reader import read_trace
from tests.support.command_line import run_command
from tests.support.forked_command import ForkedCommand
from tests.support.own_package.written import SOURCE
from tests.support.tiny_run import TINY, allow_blocked

ROOT = Path(__file__).parents[2]
SETTINGS = allow_blocked(*TINY, "training.gpus=2")


def arguments(out, *more):
    return ["train", "smoke", "--out", str(out), "--device", "cpu", *SETTINGS, *more]


def launch(cache, *more, flags=()):
    """Two gloo processes on this machine."""
    environment = {**os.environ, "NEUROMF_CACHE": str(cache), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *flags]
    command = [*launcher, "-m", "neuromf", *map(str, more)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def torchrun(cache, *more, flags=()):
    """The same, to their end."""
    process = launch(cache, *more, flags=flags)
    out, err = process.communicate(timeout=240)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def two_ranks(folder, typed):
    """Both to their end, and what each printed; started as another launcher than torchrun starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {**os.environ, "NEUROMF_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1", "WORLD_SIZE": "2"}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    environments = [{**shared, "RANK": rank, "LOCAL_RANK": rank} for rank in ("0", "1")]
    ranks = [ForkedCommand(typed, folder, own, name=own["RANK"]) for own in environments]
    return ranks, [rank.communicate(timeout=120) for rank in ranks]


def test_a_run_under_torchrun_is_the_run_of_one_process_and_goes_on_as_one(tmp_path, monkeypatch, capsys):
    """Two processes train four steps; the last two are made by one; batches are those of one process throughout."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    alone = run_command(monkeypatch, capsys, *arguments(tmp_path / "alone"))
    assert alone.returncode == 0, alone.stderr

    shared = torchrun(tmp_path / "cache", *arguments(tmp_path / "shared", "--max-steps", "4"))
    assert shared.returncode == 0, shared.stderr
    assert shared.stdout.count("paused at --max-steps") == 1, "rank 0 alone speaks"
    resumed = run_command(monkeypatch, capsys, *arguments(tmp_path / "shared", "--resume"))
    assert resumed.returncode == 0, resumed.stderr
    assert "step_00000004" in resumed.stdout

    one, two = (read_trace(tmp_path / name / "trace.csv") for name in ("alone", "shared"))
    assert list(one["batch_hash"]) == list(two["batch_hash"])
    assert list(one["frac_fm"]) == list(two["frac_fm"])
    for column in ("raw_total", "grad_norm", "param_rms"):
        # Two orders of adding up float32 gradients, six steps of Adam on: measured 6e-7.
        assert list(two[column]) == pytest.approx(list(one[column]), rel=1e-5)


def test_a_network_of_the_users_own_is_trained_by_two_processes_as_by_one(tmp_path, monkeypatch, capsys):
    """Built alike by both ranks from an import path in their folder; its batches are one process's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_nets.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "own.yaml").write_text(
        "extends: recommended\nunet: {factory: 'own_nets:build', factory_options: {width: 4}}\n"
    )
    own = [override for override in TINY if not override.startswith("unet")]
    settings = allow_blocked(*own, "vae.checkpoint=demo", "training.gpus=2")

    def of(out):
        return ["train", "own.yaml", "--out", str(tmp_path / out), "--device", "cpu", "--max-steps", "3", *settings]

    ranks, told = two_ranks(tmp_path, of("shared"))
    assert [rank.returncode for rank in ranks] == [0, 0], told
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    alone = run_command(monkeypatch, capsys, *of("alone"))
    assert alone.returncode == 0, alone.stderr
    one, two = (read_trace(tmp_path / name / "trace.csv") for name in ("alone", "shared"))
    assert list(one["batch_hash"]) == list(two["batch_hash"])
    for column in ("raw_total", "grad_norm", "param_rms"):
        assert list(two[column]) == pytest.approx(list(one[column]), rel=1e-5)


def test_a_run_that_cannot_be_shared_is_refused_once(tmp_path):
    """Three micro-batches a step for two processes: one sentence from rank 0, and no folder."""
    three = ["--set", "training.gpus=1", "--set", "training.gradient_accumulation_steps=3"]
    ranks, told = two_ranks(tmp_path, arguments(tmp_path / "run", *three))
    assert [rank.returncode for rank in ranks] == [2, 2], told
    sentence = "neuromf: training.gradient_accumulation_steps: 3 micro-batches a step"
    assert [errors.count(sentence) for _, errors in told] == [1, 0]
    assert not (tmp_path / "run").exists()


def test_an_error_of_rank_0_is_told_once_and_ends_every_rank_with_2(tmp_path):
    """It alone looks at the folder, which holds something."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").touch()
    ranks, told = two_ranks(tmp_path, arguments(tmp_path / "run"))
    assert [rank.returncode for rank in ranks] == [2, 2], told
    assert [errors.count("already holds a run or other files") for _, errors in told] == [1, 0]
    assert "Traceback" not in "".join(errors for _, errors in told)


@pytest.mark.parametrize("name", ["SIGUSR1", "SIGINT", "SIGHUP"])
def test_a_signal_to_torchrun_reaches_the_ranks_and_is_saved(tmp_path, monkeypatch, capsys, name):
    """It passes Ctrl-C and SIGHUP on, and SIGUSR1 if told to; the step is saved whole, and one process goes on."""
    run, longer = tmp_path / "run", ("--set", "training.epochs=400")
    flags = ["--signals-to-handle", "SIGTERM,SIGUSR1"] if name == "SIGUSR1" else []
    process = launch(tmp_path / "cache", *arguments(run, *longer), flags=flags)
    while not ((run / "trace.csv").is_file() and (run / "trace.csv").read_bytes().count(b"\n") > 3):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.Signals[name])
    out, _ = process.communicate(timeout=120)
    assert "interrupted, with a checkpoint" in out
    assert process.returncode == 1, "torchrun has an exit code of its own"

    saved = len(read_trace(run / "trace.csv"))
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    again = run_command(monkeypatch, capsys, *arguments(run, *longer, "--resume", "--max-steps", str(saved + 1)))
    assert again.returncode == 0, again.stderr
    assert f"step_{saved:08d}" in again.stdout
    assert len(read_trace(run / "trace.csv")) == saved + 1
