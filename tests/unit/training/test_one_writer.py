"""A run has one writer at a time, alone or among ranks; the second is refused, and nothing of the first is touched."""

from __future__ import annotations

import json
import os
import socket

import pytest
import torch
from typer.testing import CliRunner

from neuromf.cli.app import app
from neuromf.errors import InputError
from neuromf.lock_holder import Holder
from neuromf.training.loop import train
from neuromf.training.records.run_folder import RunFolder, check_new_run, create_run
from tests.support.tiny_run import TINY, allow_blocked, make_tiny_config

CPU = torch.device("cpu")


def contents(folder):
    """Every file but TensorBoard's, which a thread of the first training writes when it likes."""
    kept = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != "tensorboard"]
    return {str(path): path.read_bytes() for path in kept}


def second(config, latents, run, refusals, **options):
    """A training that begins while the first is in its second step, and what it and the folder say after."""

    def on_step(record):
        if record.row["step"] == 1:
            before = contents(run.root)
            with pytest.raises(InputError) as caught:
                train(config, latents, run, device=CPU, **options)
            refusals.append(caught.value.sentence)
            assert contents(run.root) == before

    return on_step


@pytest.mark.parametrize("resume", [True, False])
def test_a_second_training_of_a_run_is_refused_and_named_the_first(tmp_path, tiny_config, real_latents, resume):
    """As array tasks are started, or a requeue while someone types --resume; the first goes on as if it were alone."""
    run, refusals = create_run(tmp_path / "run", tiny_config, ""), []
    train(
        tiny_config, real_latents, run, device=CPU,
        on_step=second(tiny_config, real_latents, run, refusals, resume=resume),
    )  # fmt: skip
    assert len(refusals) == 1
    assert f"another training (process {os.getpid()} on {socket.gethostname()}, since " in refusals[0]
    train(tiny_config, real_latents, create_run(tmp_path / "alone", tiny_config, ""), device=CPU)
    assert (tmp_path / "run" / "trace.csv").read_bytes() == (tmp_path / "alone" / "trace.csv").read_bytes()


def test_a_finished_run_holds_no_lock(tmp_path, tiny_config, real_latents):
    """Its folder has what it had before there were locks."""
    run = create_run(tmp_path / "run", tiny_config, "")
    train(tiny_config, real_latents, run, device=CPU)
    assert not [path.name for path in run.root.iterdir() if path.name.startswith(".")]


def test_a_lock_that_a_killed_training_left_is_in_nobodys_way(tmp_path, tiny_config, real_latents):
    """Its file is there, and nobody holds it."""
    run = create_run(tmp_path / "run", tiny_config, "")
    train(tiny_config, real_latents, run, device=CPU, max_steps=2)
    run.lock.write_text(Holder("elsewhere", 1, "2026-01-01T00:00:00+00:00").text())
    train(tiny_config, real_latents, run, device=CPU, resume=True)


def test_the_command_refuses_before_it_makes_latents(tmp_path, monkeypatch):
    """Exit code 2 before minutes of work, for a resume and for a new run alike."""
    config = make_tiny_config()
    run = create_run(tmp_path / "run", config, "")
    for name in ("begin", "go_on"):
        monkeypatch.setattr(f"neuromf.cli.training.{name}", lambda *_, **__: pytest.fail("made latents"))
    from neuromf.lock import Lock

    with Lock(run.lock, what=run.root, whose="another training"):
        for more in (["--resume"], []):
            train_it = ["train", "smoke", "--out", str(run.root), "--device", "cpu", *allow_blocked(*TINY), *more]
            refused = CliRunner().invoke(app, train_it).exception
            assert isinstance(refused, InputError)
            assert f"(process {os.getpid()} on " in str(refused)


def test_of_two_that_make_one_run_the_later_is_refused(tmp_path, tiny_config, real_latents):
    """Both found an empty folder; the first has trained by the time the second begins."""
    run = create_run(tmp_path / "run", tiny_config, "")
    train(tiny_config, real_latents, run, device=CPU, max_steps=2)
    before = contents(run.root)
    with pytest.raises(InputError, match="has begun this run meanwhile"):
        train(tiny_config, real_latents, run, device=CPU)
    assert contents(run.root) == before


def test_of_two_that_make_one_run_with_two_configurations_one_is_refused(tmp_path, tiny_config, real_latents):
    """What the folder says is what is trained."""
    run = create_run(tmp_path / "run", make_tiny_config("training.seed=7"), "")
    with pytest.raises(InputError, match=r"training\.seed"):
        train(tiny_config, real_latents, run, device=CPU)
    assert not run.trace.exists()


def test_a_folder_of_which_another_has_made_a_run_is_none_for_a_new_one(tmp_path, tiny_config):
    """The refusal names who trains it."""
    run = create_run(tmp_path / "run", tiny_config, "")
    check_new_run(tmp_path / "other")
    with pytest.raises(InputError, match="already holds a run"):
        check_new_run(run.root)
    assert json.loads(RunFolder(run.root).environment.read_text())["gate"] == "not asked"
