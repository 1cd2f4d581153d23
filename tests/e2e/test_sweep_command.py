"""`neuromf sweep` as a whole: real trainings, killed and resumed, and its pages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuromf.sweep.training import VALIDATIONS
from tests.support.command_line import run_command
from tests.support.tiny_run import TINY

SEEDS = (0,)


def sweep_file(folder: Path, **more: object) -> Path:
    """One key with one value beside the base, on latents of real heads, two epochs long, halved after one."""
    sets = dict(override.split("=", 1) for override in TINY) | {
        "data.demo_subjects": "8",
        "data.split_ratios": "[0.5,0.5,0.0]",
    }
    text = "base: [smoke]\nsettings:\n" + "".join(f"  {key}: {value}\n" for key, value in sets.items())
    text += "one_at_a_time:\n  meanflow.norm_p: [0.5]\n"
    text += f"seeds: {list(SEEDS)}\nhalving: {{factor: 2, first_epochs: 1}}\n"
    path = folder / "s.yaml"
    path.write_text(text + "".join(f"{key}: {json.dumps(value)}\n" for key, value in more.items()), encoding="utf-8")
    return path


def steps(out: Path) -> int:
    """What a sweep says that it made."""
    return int(json.loads((out / "result.json").read_text())["steps"])


def rows_of(trace: Path) -> int:
    """Steps of a run."""
    return len(trace.read_text().splitlines()) - 1


def values(out: Path) -> dict[str, object]:
    """What each arm and seed was judged by."""
    return {arm["name"]: arm["values"] for arm in json.loads((out / "result.json").read_text())["arms"]}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep that nobody stopped."""
    folder = tmp_path_factory.mktemp("sweep")
    command = [sys.executable, "-m", "neuromf", "sweep", str(sweep_file(folder)), "--out", str(folder / "out")]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder / "out"


def test_a_sweep_leaves_its_result(undisturbed):
    """A document, a table, the winner's configuration, a page; every training is told with its cost."""
    assert {"result.json", "arms.csv", "winner.yaml", "sweep.html", "trainings.csv"} <= {
        path.name for path in undisturbed.iterdir()
    }
    lines = (undisturbed / "trainings.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * len(SEEDS) * 2
    assert all(line.endswith(",0") for line in lines[1:])
    assert steps(undisturbed) == sum(rows_of(path) for path in undisturbed.glob("runs/*/*/trace.csv"))


def test_a_sweep_that_is_killed_goes_on_to_the_same_result(undisturbed, tmp_path):
    """By SIGKILL in the midst of its second training; its trainings end themselves, and none is made twice."""
    file = sweep_file(tmp_path)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "neuromf", "sweep", str(file), "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sweep:
        assert sweep.stdout is not None
        told: list[str] = []
        while sum("epochs in" in line for line in told) < 1:
            told.append(sweep.stdout.readline())
        deadline = time.monotonic() + 120
        second = out / "runs" / "01-meanflow.norm_p=0.5" / "seed-0" / "trace.csv"
        while not second.is_file() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(sweep.pid, signal.SIGKILL)
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert values(out) == values(undisturbed)
    assert steps(out) == steps(undisturbed)
    for seed in SEEDS:
        name = Path("runs", "01-meanflow.norm_p=0.5", f"seed-{seed}")
        for file_name in ("trace.csv", VALIDATIONS):
            assert (out / name / file_name).read_bytes() == (undisturbed / name / file_name).read_bytes()


def test_a_budget_that_does_not_last_ends_with_three(tmp_path, monkeypatch, capsys):
    """And says how to go on; nothing is trained that would not fit."""
    ended = run_command(
        monkeypatch, capsys, "sweep", sweep_file(tmp_path, budget={"steps": 1}), "--out", tmp_path / "out"
    )
    assert ended.returncode == 3
    assert "The budget did not last" in ended.stdout
    assert not (tmp_path / "out" / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--resume",), "holds no sweep to resume; leave out --resume"),
        (("--slurm-gpus", "2"), "is of no use without --slurm"),
    ],
)
def test_wrong_options_are_told(tmp_path, monkeypatch, capsys, arguments, said):
    """In a sentence, with exit code 2."""
    ended = run_command(monkeypatch, capsys, "sweep", sweep_file(tmp_path), "--out", tmp_path / "out", *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr


def test_a_dry_run_shows_the_arms_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    """Names, and the steps that all would take."""
    ended = run_command(monkeypatch, capsys, "sweep", sweep_file(tmp_path), "--out", tmp_path / "out", "--dry-run")
    assert ended.returncode == 0
    assert "2 arms, 1 seed each, compared after 1 and 2 epochs by val_mf; at most 12 optimiser steps" in ended.stdout
    assert not (tmp_path / "out").exists()
