"""What the train command hands on to the training loop."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from neuromf.cli.app import app
from tests.support.tiny_run import TINY, allow_blocked

OPTIONS = allow_blocked(*TINY)


@pytest.mark.law("CKPT-001")
def test_resume_and_max_steps_reach_the_loop(tmp_path, trained):
    """A new run is new, --resume, --max-steps and --workers are passed on; a signal ends with exit code 75."""
    run = ["train", "smoke", "--out", str(tmp_path / "run"), "--device", "cpu", *OPTIONS]
    further = (["--max-steps", "1"], ["--resume"], ["--resume", "--workers", "3"])
    results = [CliRunner().invoke(app, [*run, *more]) for more in further]

    assert [result.exit_code for result in results] == [0, 0, 75]
    passed = [(call["resume"], call["max_steps"], call["workers"]) for call in trained]
    assert passed == [(False, 1, 0), (True, None, 0), (True, None, 3)]


def test_a_run_keeps_what_the_gate_said_and_goes_on_without_asking_again(tmp_path, trained):
    """The reason stands in `run.json`; --resume needs none, for the configuration is the one that was admitted."""
    run = tmp_path / "run"
    settings = (*TINY, "training.divergence_threshold=null")
    allowed = ["train", "smoke", "--out", str(run), "--device", "cpu", *allow_blocked(*settings)]
    resumed = ["train", "smoke", "--out", str(run), "--device", "cpu", "--resume"]
    resumed += [part for override in settings for part in ("--set", override)]
    assert CliRunner().invoke(app, allowed).exit_code == 0
    assert CliRunner().invoke(app, resumed).exit_code == 0
    recorded = json.loads((run / "run.json").read_text())["gate"]
    assert recorded.startswith("BLOCKED by ")
    assert recorded.endswith("; allowed although blocked: a test of the command")
    assert [call["resume"] for call in trained] == [False, True]


def test_micro_batches_that_train_nothing_are_told_as_a_run_starts(tmp_path, trained):
    """Twelve micro-batches of which an accumulation over five leaves two; over two it leaves none, and no line."""
    said = []
    for steps in (5, 2):
        options = allow_blocked(*TINY, f"training.gradient_accumulation_steps={steps}")
        command = ["train", "smoke", "--out", str(tmp_path / f"run{steps}"), "--device", "cpu", *options]
        said.append(CliRunner().invoke(app, command).output)
    assert "the last 2 micro-batches of the run are too few for an update and train nothing" in said[0]
    assert "train nothing" not in said[1]
