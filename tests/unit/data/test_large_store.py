"""A store of more scans than are read at a start: opened by its manifest alone."""

from __future__ import annotations

import pytest

from neuromf.data import store as store_module
from neuromf.data.latent_set import StoredLatents
from neuromf.training.latents.store import training_store
from tests.support.large_store import write_large_store

SUBJECTS = 2_500


def test_a_start_opens_no_latent(tmp_path, monkeypatch):
    """The store is found in the cache and its moments are known before one of 2,500 latents was opened."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path))
    config = write_large_store(tmp_path, SUBJECTS)
    opened = []
    read = store_module.LatentStore.content
    monkeypatch.setattr(
        store_module.LatentStore, "content", lambda store, scan: opened.append(scan) or read(store, scan)
    )

    latents = StoredLatents(training_store(config), "train")
    assert opened == []
    assert len(latents) == pytest.approx(SUBJECTS * config.data.split_ratios[0], abs=1)
    # Standardised by their own pooled statistics, to float64 rounding of 160,000 values.
    assert latents.moments[:, :4].mean(0).abs().max() <= 1e-12

    latents[[5]]
    assert len(set(opened)) == 1, "one batch of one opens one latent"
