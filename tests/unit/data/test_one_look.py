"""A cohort that is encoded is looked at once before a run and once when the run keeps its list; each look counts."""

from __future__ import annotations

import os
import shutil
from collections import Counter

import numpy as np
import pytest

from neuromf.config import load_config
from neuromf.data import cache, first_look, frozen_scans, scan_hashes
from neuromf.data.nifti import write_volume
from neuromf.data.store_settings import StoreSettings
from neuromf.errors import InputError
from neuromf.training.latents import frozen
from tests.support.encoded_cohort import SETTINGS, small_codec

NAMES = ("sub-01", "sub-02", "sub-03")


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The configuration of a cohort of three heads of noise, encoded by a small autoencoder, all hashes noted."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    draw = np.random.default_rng(0)
    for name in NAMES:
        path = tmp_path / "scans" / name / f"{name}_T1w.nii"
        path.parent.mkdir(parents=True)
        write_volume(path, draw.uniform(0, 100, (24, 24, 24)).astype(np.float32), np.diag([8.0, 8.0, 8.0, 1.0]))
        os.utime(path, (1e9, 1e9))
    now = scan_hashes.time.time_ns()
    monkeypatch.setattr(scan_hashes.time, "time_ns", lambda: now + 2 * scan_hashes.SETTLED_NS)
    settings = StoreSettings(SETTINGS, small_codec(), (1.0, 0.0, 0.0), 0)
    monkeypatch.setattr(frozen, "store_settings", lambda *_, **__: settings)
    made = load_config(["smoke"], ["data.source=folder", f"data.root={tmp_path / 'scans'}"])
    frozen.begin(made)
    return made


def test_what_was_seen_of_many_scans_is_in_the_run_s_list(config, monkeypatch):
    """A file that is as it was is not asked for its note again, and its line is the same."""
    listed = frozen.begin(config).scans
    monkeypatch.setattr(first_look, "FEW", 0)
    monkeypatch.setattr(frozen_scans, "state_of", lambda path, state: pytest.fail(f"{path} was looked for"))
    assert frozen.begin(config).scans == listed


def test_latents_whole_in_the_cache_need_no_copies_of_single_scans(config, tmp_path):
    """Who makes room by deleting these encodes nothing anew."""
    store = frozen.begin(config).store
    shutil.rmtree(tmp_path / "cache" / "scans")
    assert frozen.begin(config).store.path == store.path
    assert not (tmp_path / "cache" / "scans").exists()


def test_scans_that_are_encoded_are_asked_for_twice(config, monkeypatch):
    """Once as the latents are looked for, once for the run's list."""
    asked = Counter()
    state_of = scan_hashes.state_of

    def counted(path, state):
        asked[path.name] += 1
        return state_of(path, state)

    monkeypatch.setattr(scan_hashes, "state_of", counted)
    monkeypatch.setattr(frozen_scans, "state_of", counted)
    frozen.begin(config)
    assert asked == {f"{name}_T1w.nii": 2 for name in NAMES}


@pytest.mark.law("DATA-007")
@pytest.mark.parametrize("few", [first_look.FEW, 0])
def test_a_scan_that_was_written_after_the_look_is_told(config, monkeypatch, few):
    """Its latent is another scan's: no run begins with it, be the cohort small or large."""
    monkeypatch.setattr(first_look, "FEW", few)
    look_at = first_look.look_at

    def then_written(scans, *rest):
        found = look_at(scans, *rest)
        content = bytearray(scans[0].path.read_bytes())
        content[-2] ^= 1
        scans[0].path.write_bytes(content)
        return found

    monkeypatch.setattr(cache, "look_at", then_written)
    with pytest.raises(InputError, match="a scan was written while the scans were encoded"):
        frozen.begin(config)


def test_a_look_that_found_less_than_all_is_not_believed(config, tmp_path):
    """A scan that came since the latents were made is encoded, and is in the store."""
    fourth = tmp_path / "scans" / "sub-04" / "sub-04_T1w.nii"
    fourth.parent.mkdir()
    write_volume(fourth, np.random.default_rng(4).uniform(0, 100, (24, 24, 24)).astype(np.float32), np.eye(4) * 8)
    made = frozen.begin(config)
    assert sorted(made.store.manifest["scan_id"]) == [f"{name}_T1w" for name in (*NAMES, "sub-04")]
    assert [one.sha256 for one in made.scans] == [scan_hashes.file_sha256(one.scan.path) for one in made.scans]
