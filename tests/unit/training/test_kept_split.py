"""A run that goes on has the split that it began with, whatever decides splits now."""

from __future__ import annotations

import shutil

import pytest

from neuromf.config import load_config
from neuromf.data import cache, latents
from neuromf.training.latents import frozen
from neuromf.training.records.run_folder import create_run
from tests.support.bad_scans import write_good
from tests.support.tiny_run import TINY

pytestmark = pytest.mark.law("DATA-002")


def test_a_run_whose_cache_is_gone_keeps_its_split(tmp_path, monkeypatch):
    """Encoded again by code that splits otherwise, the latents are the run's own."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    write_good(tmp_path / "scans", 4)
    own = ["data.source=folder", f"data.root={tmp_path / 'scans'}", "vae.checkpoint=demo",
           "data.shape=[16,16,16]", "data.spacing_mm=12.0", "data.split_ratios=[0.5,0.5,0.0]"]  # fmt: skip
    config = load_config(["smoke"], [*TINY, *own])
    beginning = frozen.begin(config)
    content = beginning.store.description.content_hash
    run = create_run(tmp_path / "run", config, content, keep=lambda made: beginning.keep(made, real=1))
    began = dict(zip(beginning.store.manifest["subject"], beginning.store.manifest["split"], strict=True))
    shutil.rmtree(tmp_path / "cache")

    def otherwise(scans, ratios, seed):
        return {subject: "train" if split == "validation" else "validation" for subject, split in began.items()}

    for module in (cache, latents):
        monkeypatch.setattr(module, "split_scans", otherwise)
    store = frozen.go_on(run, config)
    assert dict(zip(store.manifest["subject"], store.manifest["split"], strict=True)) == began
    assert store.description == beginning.store.description
