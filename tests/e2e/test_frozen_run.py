"""A run on a user's scans, and what becomes of it when the world around it changes."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from matplotlib.image import imread
from typer.testing import CliRunner

from neuromf.cli.app import app
from neuromf.data.demo import build_demo_cohort
from neuromf.nets.vae_checkpoint import DEMO_WEIGHTS
from neuromf.trace.reader import read_trace
from tests.support.command_line import run_command
from tests.support.tiny_run import TINY, allow_blocked

OWN = ("data.source=folder", "data.root=mri", "vae.checkpoint=vae.safetensors")
"""Typed relative to the folder in which the user stands."""
SETTINGS = ["train", "smoke", "--device", "cpu", *allow_blocked(*TINY, *OWN)]


class ProcessGroup:
    """A folder with scans, an autoencoder's file, a cache, a run of two of its six steps, and one of all six."""

    def __init__(self, root, monkeypatch, capsys):
        self.root, self.scans, self.run, self.whole = root, root / "mri", root / "run", root / "whole"
        self.autoencoder, self._patch, self._capsys = root / "vae.safetensors", monkeypatch, capsys
        monkeypatch.setenv("NEUROMF_CACHE", str(root / "cache"))
        monkeypatch.chdir(root)

    def neuromf(self, *arguments):
        """Run a command line."""
        return run_command(self._patch, self._capsys, *arguments)

    def train(self, *more, out=None):
        """The training, whose paths are given relative to this folder."""
        return self.neuromf(*SETTINGS, "--out", out or self.run, *more)

    def add_a_scan(self):
        """One more subject, who sorts before the others."""
        there = next(self.scans.rglob("*_T1w.nii.gz"))
        (self.scans / "sub-0000").mkdir()
        shutil.copy(there, self.scans / "sub-0000" / "sub-0000_T1w.nii.gz")

    def leave(self, *, autoencoder=True):
        """The run's folder alone goes to another place, where the user has no cache and stands in another folder."""
        away = self.root / "laptop"
        away.mkdir()
        self.run = self.run.rename(away / "moved")
        for folder in (self.scans, self.root / "cache"):
            shutil.rmtree(folder, ignore_errors=True)
        if not autoencoder:
            self.autoencoder.unlink()
        self._patch.setenv("NEUROMF_CACHE", str(away / "cache"))
        self._patch.chdir(away)
        return away


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Where the world is, and a copy of it as it was made: a record holds absolute paths, so each test has the same."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("frozen")
    root = folder / "world"
    build_demo_cohort(root / "mri", subjects=4)
    shutil.copy(DEMO_WEIGHTS, root / "vae.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(root / "cache"))
        patch.chdir(root)
        for name, more in (("whole", []), ("run", ["--max-steps", "2"])):
            started = CliRunner().invoke(app, [*SETTINGS, "--out", name, *more])
            assert started.exit_code == 0, started.output
    shutil.copytree(root, folder / "copy")
    return root, folder / "copy"


@pytest.fixture
def world(made, monkeypatch, capsys):
    """The world as it was made."""
    root, copy = made
    shutil.rmtree(root)
    shutil.copytree(copy, root)
    return ProcessGroup(root, monkeypatch, capsys)


@pytest.mark.law("CKPT-001")
def test_a_run_goes_on_bitwise_after_a_scan_was_added(world):
    """The latents are those it began with, none is encoded again, and the rest of its trace is that of no pause."""
    world.add_a_scan()
    entries = set((world.root / "cache").iterdir())

    resumed = world.train("--resume")

    assert resumed.returncode == 0, resumed.stderr
    assert (world.run / "trace.csv").read_bytes() == (world.whole / "trace.csv").read_bytes()
    assert set((world.root / "cache").iterdir()) == entries
    assert "the 4 scans it began with" in resumed.stdout


@pytest.mark.law("CKPT-001")
def test_a_run_whose_cache_is_gone_encodes_the_scans_it_began_with(world):
    """Of the five that lie there now, four; the trace is that of no pause."""
    world.add_a_scan()
    shutil.rmtree(world.root / "cache")

    resumed = world.train("--resume")

    assert resumed.returncode == 0, resumed.stderr
    assert (world.run / "trace.csv").read_bytes() == (world.whole / "trace.csv").read_bytes()


def test_ranks_that_share_a_resume_agree_on_the_scans_it_began_with(world):
    """Rank 0 encodes the four of five, the other opens what it made; batches are those of no pause."""
    world.add_a_scan()
    shutil.rmtree(world.root / "cache")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [*launcher, "-m", "neuromf", *SETTINGS, "--out", str(world.run), "--resume"]

    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("the 4 scans it began with") == 1, "rank 0 alone speaks"
    resumed, whole = (read_trace(folder / "trace.csv") for folder in (world.run, world.whole))
    assert list(resumed["batch_hash"]) == list(whole["batch_hash"])


def test_a_run_goes_on_from_the_cache_when_all_scans_are_gone(world):
    """What was encoded is all that a training needs."""
    shutil.rmtree(world.scans)
    assert world.train("--resume").returncode == 0


def test_scans_that_changed_are_named_before_anything_is_encoded(world):
    """Without the cache: exit code 2, each file and what became of it, and the cache stays empty."""
    shutil.rmtree(world.root / "cache")
    gone, other, replaced, touched = sorted(world.scans.rglob("*_T1w.nii.gz"))[:4]
    gone.unlink()
    with other.open("ab") as stream:
        stream.write(b"more")
    written, content = replaced.stat().st_mtime_ns, replaced.read_bytes()
    replaced.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(replaced, ns=(written, written))
    os.utime(touched, (0, 0))

    refused = world.train("--resume")

    assert refused.returncode == 2
    assert f"{gone} is gone" in refused.stderr
    assert f"{other} has another size" in refused.stderr
    assert f"{replaced} holds something else" in refused.stderr
    assert str(touched) not in refused.stderr, "the same content of another time is the same scan"
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not (world.root / "cache").exists()


@pytest.mark.law("OBS-002")
def test_a_moved_run_is_sampled_and_reported_with_no_scans_and_no_cache(world):
    """The run's folder and the autoencoder are enough: brains where they belong, real ones beside them, a page."""
    at_home = world.neuromf("sample", world.run, "--n", "2", "--out", world.root / "home")
    assert at_home.returncode == 0, at_home.stderr
    away = world.leave()

    sampled = world.neuromf("sample", "moved", "--n", "2", "--out", "samples")
    reported = world.neuromf("report", "moved", "--out", "r.html")
    plain = world.neuromf("report", "moved", "--no-decode", "--out", "plain.html")

    assert (sampled.returncode, reported.returncode, plain.returncode) == (0, 0, 0), sampled.stderr + reported.stderr
    for name in ("sample-0000_T1w.nii.gz", "sample-0001_T1w.nii.gz"):
        here, there = nibabel.load(away / "samples" / name), nibabel.load(world.root / "home" / name)
        assert np.array_equal(here.affine, there.affine)
        assert np.array_equal(here.get_fdata(), there.get_fdata())
    assert np.array_equal(imread(away / "samples" / "montage.png"), imread(world.root / "home" / "montage.png"))
    assert "Axial mid-slices." in (away / "r.html").read_text()
    assert "DATA-002" in (away / "plain.html").read_text()
    assert not (away / "cache").exists()


def test_a_run_that_may_not_be_written_is_sampled_and_reported(world):
    """Nothing is written into it, by either."""
    before = {path: path.read_bytes() for path in world.run.rglob("*") if path.is_file()}
    for path in (world.run, *world.run.rglob("*")):
        path.chmod(stat.S_IREAD | stat.S_IEXEC if path.is_dir() else stat.S_IREAD)
    world.leave()
    try:
        assert world.neuromf("sample", "moved", "--out", "samples").returncode == 0
        assert world.neuromf("report", "moved", "--out", "r.html").returncode == 0
        assert sorted(path.read_bytes() for path in world.run.rglob("*") if path.is_file()) == sorted(before.values())
    finally:
        for path in (world.run, *world.run.rglob("*")):
            path.chmod(path.stat().st_mode | stat.S_IWRITE)


def test_a_moved_run_names_the_autoencoder_that_it_misses(world):
    """A sentence from `sample`, a note on the page; with --vae FILE both go on, and another autoencoder is refused."""
    shutil.copy(world.autoencoder, world.root / "elsewhere.safetensors")
    there = world.autoencoder
    away = world.leave(autoencoder=False)
    shutil.move(world.root / "elsewhere.safetensors", away)

    refused = world.neuromf("sample", "moved", "--out", "samples")
    page = world.neuromf("report", "moved", "--out", "r.html")
    found = world.neuromf("sample", "moved", "--out", "samples", "--vae", "elsewhere.safetensors")
    decoded = world.neuromf("report", "moved", "--out", "d.html", "--vae", "elsewhere.safetensors")

    assert refused.returncode == 2
    assert str(there) in refused.stderr
    assert "--vae" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert (page.returncode, found.returncode, decoded.returncode) == (0, 0, 0), page.stderr + found.stderr
    text = (away / "r.html").read_text()
    assert "Axial mid-slices of the 4 latent channels. They cannot be decoded:" in text
    assert str(there) in text
    assert "Axial mid-slices of the 4 latent channels." not in (away / "d.html").read_text()


@pytest.mark.law("DATA-005")
def test_another_autoencoder_is_not_taken_for_the_run_s(world):
    """Its fingerprint is not the recorded one, wherever the file was found."""
    other_weights(world.autoencoder)

    refused = world.neuromf("sample", world.run, "--out", world.root / "samples")

    assert refused.returncode == 2
    assert "is another autoencoder than the run's" in refused.stderr
    assert not (world.root / "samples").exists()


def test_a_run_keeps_no_real_latents_where_none_are_wanted(world):
    """With --real-latents 0 no patient's latent travels; samples are drawn all the same, with no real ones beside."""
    run = world.root / "private"
    assert world.train("--max-steps", "2", "--real-latents", "0", out=run).returncode == 0
    assert list(run.rglob("latents/scans/*")) == []
    assert len(list(world.run.rglob("latents/scans/*.safetensors"))) == 3, "as many as train, at most four"

    assert world.neuromf("sample", run, "--n", "1", "--out", world.root / "samples").returncode == 0


def test_a_run_without_a_record_is_read_through_its_scans(world):
    """A folder without the record needs scans and cache, as it always did; the resume gives it one."""
    shutil.rmtree(world.run / "latents")

    assert world.neuromf("sample", world.run, "--out", world.root / "samples").returncode == 0
    assert world.neuromf("report", world.run, "--out", world.root / "r.html").returncode == 0
    assert "Axial mid-slices." in (world.root / "r.html").read_text()
    assert world.train("--resume").returncode == 0
    world.leave()
    assert world.neuromf("sample", world.run, "--out", world.run.parent / "samples").returncode == 0


def test_the_record_holds_absolute_paths(world):
    """Typed relative, in whatever folder: what is kept does not depend on it."""
    record = json.loads((world.run / "latents" / "origin.json").read_text())
    scans = (world.run / "latents" / "scans.csv").read_text().splitlines()

    assert record["autoencoder"] == str(world.autoencoder)
    assert record["store"].startswith(str(world.root / "cache"))
    assert len(scans) == 5
    assert all(str(world.scans / "sub-") in line for line in scans[1:])


def other_weights(path):
    """The same network with one weight moved."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    first = sorted(tensors)[0]
    save_file(tensors | {first: tensors[first] + 0.5}, path, metadata=metadata)
