"""Which laws the opened inputs are judged by and which notes they leave, for every combination of what can be found."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest

import neuromf.nets.vae
from neuromf.config.load import load_config
from neuromf.data.cohort import Scan
from neuromf.data.examine import BadScan, Examination
from neuromf.errors import InputError
from neuromf.gate import inputs
from neuromf.gate.inputs import open_inputs

SCANS = [Scan(f"s{n}", f"scan{n}", Path(f"/scans/{n}.nii")) for n in range(31)]
BAD = tuple(BadScan(scan, f"problem {n}", f"remedy {n}") for n, scan in enumerate(SCANS[2:23:7]))
SOURCES = {"data.root": "a file", "vae.checkpoint": "another file"}
SHAPES = {"fits": (4, 4), "other channels": (3, 4), "other stride": (4, 8), "unreadable": None}

CASES = list(itertools.product((True, False), ((), BAD), SHAPES, (True, False)))


def opened(monkeypatch, *, own, bad, shape, trains, read=29):
    """The inputs of a configuration, with what is found there; asserts what was looked at."""

    def load(source):
        assert (source.checkpoint, source.latent_channels, source.stride) == ("mine.pt", 4, 4)
        if SHAPES[shape] is None:
            raise InputError("is torn", file="mine.pt", remedy="copy it again", key="k")
        channels, stride = SHAPES[shape]
        architecture = SimpleNamespace(latent_channels=channels, stride=stride)
        neuromf.nets.vae._refuse_others(architecture, source)
        return SimpleNamespace(architecture=architecture, fingerprint="f")

    def examine(scans, *, voxels_of, on_progress):
        assert (scans, voxels_of) == (SCANS, 250)
        return Examination(len(scans), read, bad)

    monkeypatch.setattr(neuromf.nets.vae, "load_vae", load)
    monkeypatch.setattr(inputs, "examine_scans", examine)
    monkeypatch.setattr(inputs, "kept_of", lambda *_: None)
    overrides = ["data.source=folder", "data.root=/scans"] if own else []
    config = load_config(["smoke"], ["vae.checkpoint=mine.pt", *overrides])
    return open_inputs(config, SOURCES, SCANS if own else [], trains=trains)


@pytest.mark.law("DATA-004", "DATA-005")
@pytest.mark.parametrize(("own", "bad", "shape", "trains"), CASES)
def test_inputs_are_judged_by_what_was_found_in_them(monkeypatch, own, bad, shape, trains):
    """Own scans by DATA-004, the autoencoder by DATA-005 wherever something will be encoded, else a note."""
    found = opened(monkeypatch, own=own, bad=bad, shape=shape, trains=trains)
    results = {result.law_id: result for result in found.results}
    assert list(results) == ["DATA-004"] * own + ["DATA-005"] * (own or trains)
    if own:
        scans = results["DATA-004"]
        assert (scans.status, scans.value) == ("block" if bad else "pass", f"{len(bad)} of 31")
        assert [f"{b.scan.path} ({b.problem})" for b in bad] == [part for part in scans.detail.split("; ") if part]
        assert (scans.key, scans.value_source, scans.where) == ("data.root", "a file", "inputs")
        assert (
            found.notes[0] == "scans: 31 in /scans; read were the headers of all and some voxels of 29, evenly spread"
        )
    listed = [{"file": str(b.scan.path), "problem": b.problem, "remedy": b.remedy} for b in bad]
    assert found.summary == {"bad_scans": listed if own else []}
    problem = {
        "fits": "",
        "other channels": "mine.pt: makes 3 channels at stride 4, not 4 at 4",
        "other stride": "mine.pt: makes 4 channels at stride 8, not 4 at 4",
        "unreadable": "mine.pt: k: is torn",
    }[shape]
    if own or trains:
        autoencoder = results["DATA-005"]
        assert (autoencoder.status, autoencoder.detail) == ("block" if problem else "pass", problem)
        assert (autoencoder.key, autoencoder.value_source) == ("vae.checkpoint", "another file")
        assert found.notes[own:] == ((inputs.UNMEASURED,) if own and not problem else ())
    else:
        assert [note.partition("; the demo")[0] for note in found.notes] == [problem] * bool(problem)


@pytest.mark.parametrize(("count", "told"), [(10, False), (11, True)])
def test_more_bad_scans_than_are_named_are_counted_in_a_note(monkeypatch, count, told):
    """Ten are named; from eleven on a note says where all stand."""
    bad = tuple(BadScan(scan, "p", "r") for scan in SCANS[:count])
    found = opened(monkeypatch, own=True, bad=bad, shape="fits", trains=False, read=31)
    assert found.notes[0].endswith("some voxels of all")
    assert any(f"name all {count} of the bad scans" in note for note in found.notes) is told
    assert len(found.bad) == count
