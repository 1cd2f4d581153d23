"""`neuromf report` as a user types it, on a run that was really trained."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.support.command_line import run_command
from tests.support.tiny_run import SCALE, allow_blocked

TINY = (
    *SCALE,
    "training.epochs=1",
    "training.micro_batches_per_epoch=4",
    "training.batch_size_per_gpu=4",
    "training.gradient_accumulation_steps=2",
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, cache):
    """A finished run of two optimiser steps."""
    run = tmp_path_factory.mktemp("runs") / "run"
    options = allow_blocked(*TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(cache))
        from typer.testing import CliRunner

        from neuromf.cli.app import app

        assert CliRunner().invoke(app, ["train", "smoke", "--out", str(run), *options]).exit_code == 0
    return run


@pytest.fixture
def neuromf(monkeypatch, capsys, cache, tmp_path):
    """Run a command in this process, in an empty folder."""
    monkeypatch.setenv("NEUROMF_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(monkeypatch, capsys, *arguments)


def test_a_trained_run_becomes_a_page_with_brains(neuromf, trained, tmp_path):
    """Exit code 0, the verdict on the screen, and the sample decoded by the run's autoencoder."""
    ended = neuromf("report", trained, "--out", "r.html")

    assert (ended.returncode, ended.stderr.strip()) == (0, "")
    assert "run: finished after 2 optimiser steps; 0 alarms" in ended.stdout
    page = (tmp_path / "r.html").read_text()
    assert "Axial mid-slices." in page
    assert "sample after 2 steps" in page


def test_samples_of_other_latents_are_shown_as_channels(neuromf, trained, tmp_path):
    """A brain decoded with the wrong statistics would be a picture of nothing."""
    run = tmp_path / "moved"
    shutil.copytree(trained, run)
    recorded = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(recorded | {"latents": "0" * 64}))
    ended = neuromf("report", run, "--out", "r.html")

    assert ended.returncode == 0
    page = (tmp_path / "r.html").read_text()
    assert "Axial mid-slices of the 4 latent channels. They cannot be decoded:" in page
    assert "the run was started on other latents" in page


def test_bad_input_is_one_sentence_and_nothing_is_written(neuromf, trained, tmp_path):
    """A folder without a run, a run without a trace, the same run twice, and a page where another file lies."""
    torn = tmp_path / "torn"
    shutil.copytree(trained, torn)
    (torn / "trace.csv").unlink()
    (tmp_path / "mine.txt").write_text("keep")
    before = sorted(tmp_path.rglob("*"))

    for arguments, words in (
        (["no-run"], "holds no run"),
        ([torn], "no trace"),
        ([trained, trained], "given twice"),
        ([trained, "--out", "mine.txt"], "file of another kind"),
        ([trained, "--out", "no/r.html"], "folder that exists"),
    ):
        refused = neuromf("report", *arguments)
        assert refused.returncode == 2
        assert words in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "mine.txt").read_text() == "keep"
