"""A run goes on with the latents it began with, though a newer neuromf would keep them under another name."""

from __future__ import annotations

import shutil

import pytest

from neuromf.config import load_config
from neuromf.data import cache, code_facts
from neuromf.errors import InputError
from neuromf.training.latents import frozen
from neuromf.training.records.run_folder import create_run
from tests.support.bad_scans import write_good
from tests.support.tiny_run import TINY

pytestmark = pytest.mark.law("DATA-007")


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A run on scans of a user's own, its configuration, and the store that it began with; then the code is another."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    write_good(tmp_path / "scans", 4)
    own = ["data.source=folder", f"data.root={tmp_path / 'scans'}", "vae.checkpoint=demo",
           "data.shape=[16,16,16]", "data.spacing_mm=12.0"]  # fmt: skip
    config = load_config(["smoke"], [*TINY, *own])
    beginning = frozen.begin(config)
    content = beginning.store.description.content_hash
    run = create_run(tmp_path / "run", config, content, keep=lambda made: beginning.keep(made, real=1))
    monkeypatch.setattr(code_facts, "module_hash", lambda name: "another version's")
    return run, config, beginning.store


@pytest.mark.parametrize("moved", [False, True])
def test_a_run_of_an_older_version_goes_on_from_its_store(begun, tmp_path, monkeypatch, moved):
    """Nothing is encoded, also where the cache as a whole lies in another place."""
    run, config, store = begun
    if moved:
        (tmp_path / "cache").rename(tmp_path / "elsewhere")
        monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(cache, "_encode", lambda *_: pytest.fail("scans were encoded again"))
    assert frozen.go_on(run, config).description == store.description


def test_a_new_run_does_not_take_what_older_code_made(begun):
    """The scans are encoded anew, into a store of another name."""
    _, config, store = begun
    assert frozen.begin(config).store.path != store.path


def test_without_its_store_a_run_takes_equal_latents_or_none(begun, tmp_path, monkeypatch):
    """Encoded again by other code, they are compared by content: equal ones serve, others are refused."""
    run, config, store = begun
    shutil.rmtree(tmp_path / "cache")
    again = frozen.go_on(run, config)
    assert (again.description == store.description, again.path != store.path) == (True, True)
    shutil.rmtree(tmp_path / "cache")
    monkeypatch.setattr("neuromf.data.preprocess._FWHM_PER_SIGMA", 2.0)
    monkeypatch.setattr("neuromf.data.preprocess._FOREGROUND_PERCENTILES", (30.0, 40.0))
    with pytest.raises(
        InputError, match=r"other latents when encoded again, as another machine, torch or neuromf would"
    ):
        frozen.go_on(run, config)
