"""A training on scans that are encoded: each thing is asked for once, and no scan is read."""

from __future__ import annotations

import pytest

from neuromf.data import chosen, scan_hashes
from neuromf.data.chosen import Cohort
from neuromf.gate.judge import LaunchCandidate
from neuromf.training.latents import store
from neuromf.training.latents.frozen import begin
from tests.support.large_scans import encode_by_hand, own_overrides, write_large_cohort

SCANS = 300
"""More than the cohort of which every scan is read to see what is known of it."""


@pytest.mark.parametrize("source", ["table", "folder"])
def test_a_training_looks_once_at_names_and_autoencoder_and_reads_no_scan(tmp_path, monkeypatch, source):
    """The gate's look at the cohort serves the training, and one loading of the autoencoder all of its start."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(scan_hashes, "SETTLED_NS", 0)
    write_large_cohort(tmp_path, SCANS)
    config = encode_by_hand(tmp_path, SCANS, source)
    looked, loaded = [], []
    for module, name, calls in (
        (chosen, "select_from_table", looked),
        (chosen, "select_scans", looked),
        (store, "load_vae", loaded),
    ):
        plain = getattr(module, name)
        monkeypatch.setattr(module, name, lambda path, calls=calls, plain=plain: calls.append(path) or plain(path))
    monkeypatch.setattr(scan_hashes, "file_sha256", lambda path: pytest.fail(f"{path} was read"))
    cohort = Cohort(config.data)
    candidate = LaunchCandidate.of(config, ["smoke"], own_overrides(tmp_path, source), cohort)
    assert len(candidate.scans) == SCANS
    beginning = begin(config, cohort=cohort)
    assert len(beginning.store.manifest) == len(beginning.scans) == SCANS
    assert (len(looked), len(loaded)) == (1, 1)
