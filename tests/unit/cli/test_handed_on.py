"""What a command is told reaches what does the work, and what that says is printed whole."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from neuromf_spec.registry import law
from rich.console import Console

import neuromf.cli.smoke_training
import neuromf.cli.training
from neuromf.cli.smoke_training import smoke_training
from neuromf.cli.sweep import _check_folder
from neuromf.config import load_config
from neuromf.conform import judging
from neuromf.conform.new import new_adapter
from neuromf.data.reconstruction import HEAD, Reconstruction
from neuromf.data.similarity import Similarity
from neuromf.errors import InputError
from neuromf.gate import smoke
from neuromf.gate.judge import LaunchCandidate
from neuromf.sweep.journal import FILE
from neuromf.training.latents import autoencoder_check
from neuromf.training.loop import Ending, Outcome
from tests.support.command_line import run_command


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ((), {"laws": (), "seed": 0, "training_steps": 0}),
        (("--train",), {"laws": (), "seed": 0, "training_steps": 3_000}),
        (("--train-steps", "9"), {"laws": (), "seed": 0, "training_steps": 0}),
        (("--seed", "7", "--law", "JVP-001", "--law", "ID-001", "--train", "--train-steps", "9"),
         {"laws": ["JVP-001", "ID-001"], "seed": 7, "training_steps": 9}),
    ],
)  # fmt: skip
def test_each_option_of_conform_reaches_the_judge(monkeypatch, capsys, tmp_path, typed, told):
    """Laws, seed, and the steps of a training if one was asked for."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(new_adapter("torch"), encoding="utf-8")
    heard = []

    def judge_adapter(loaded, **options):
        heard.append(options)
        raise InputError("that is all", remedy="stop here")

    monkeypatch.setattr(judging, "judge_adapter", judge_adapter)
    ended = run_command(monkeypatch, capsys, "conform", "mine.py", *typed)
    assert ended.stderr == "neuromf: that is all; stop here.\n"
    assert heard == [told]


def test_a_smoke_training_has_the_candidates_scans_and_moves_the_bar(monkeypatch):
    """With configuration and sources as they were read; what it returns is returned."""
    shown, candidate = [], LaunchCandidate.of(load_config(["smoke"]), ["smoke"], [])

    @contextmanager
    def progress_bar(label):
        shown.append(label)
        yield lambda *told: shown.append(told)

    monkeypatch.setattr(neuromf.cli.smoke_training, "progress_bar", progress_bar)

    def run_smoke(config, sources, show, *, scans):
        show(3, 30, "heads")
        return config, sources, scans

    monkeypatch.setattr(smoke, "run_smoke", run_smoke)
    assert smoke_training(candidate) == (candidate.config, candidate.sources, candidate.scans)
    assert shown == ["smoke training", (3, 30, "heads")]


def reconstruction(psnr):
    """A head of which the autoencoder makes so many dB; resampling to as many numbers makes 24."""
    volume = np.full((16, 16, 16), 0.5, np.float32)
    return Reconstruction("sub-1", {HEAD: Similarity(psnr, 0.9, 0.9)}, 24.0, volume, volume)


@pytest.mark.parametrize(("psnr", "broken"), [(40.0, False), (1.0, True)])
def test_an_autoencoder_that_is_no_good_is_told_with_what_to_do(monkeypatch, capsys, tmp_path, psnr, broken):
    """The law's remedy follows its number; of a good one nothing is advised."""
    monkeypatch.setattr(autoencoder_check, "check_autoencoder", lambda *_: [reconstruction(psnr)])
    ended = run_command(monkeypatch, capsys, "data", "check-vae", "smoke", "--out", tmp_path / "worst.png")
    assert ended.returncode == 0, ended.stderr
    assert (law("DATA-008").remedy in ended.stdout) is broken
    assert ("DATA-008 WARNING: is broken" in ended.stdout) is broken
    assert f"{psnr:.2f} dB" in ended.stdout
    assert (tmp_path / "worst.png").exists()


def test_what_a_training_says_at_its_end_is_not_wrapped(monkeypatch, capsys, tmp_path):
    """In a narrow terminal too each sentence is one line, which can be searched for and copied."""
    long = "validation " + "word " * 60 + "end"
    monkeypatch.setattr(neuromf.cli.training, "make_console", lambda: Console(width=40, highlight=False, markup=False))
    monkeypatch.setattr(neuromf.cli.training, "_validated", lambda run, config: [long, long])
    run = tmp_path / ("a long name " * 5)
    neuromf.cli.training.report(Outcome(Ending.INTERRUPTED, 3, "SIGTERM"), run, load_config(["smoke"]))
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"{Ending.INTERRUPTED.value} (SIGTERM) after 3 optimiser steps; the run is in {run}"
    assert rest == [long, long]


@pytest.mark.parametrize(
    ("there", "resume", "said"),
    [
        ("file", False, "is a file; give a folder."),
        ("nothing", True, "holds no sweep to resume; leave out --resume."),
        ("sweep", False, "holds a sweep; go on with --resume or give another --out."),
    ],
)
def test_a_folder_that_is_no_place_for_a_sweep_is_told(tmp_path, there, resume, said):
    """With the option and the path."""
    out = tmp_path / "out"
    if there == "file":
        out.touch()
    if there == "sweep":
        _check_folder(out, resume=False)
        (out / FILE).touch()
    with pytest.raises(InputError) as told:
        _check_folder(out, resume=resume)
    assert told.value.sentence == f"{out}: --out: {said}"
