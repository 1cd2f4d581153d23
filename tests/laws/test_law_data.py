"""DATA-001 and DATA-002: latents are standardised by the training split, subjects stay in one split."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.laws.data import disjoint_splits
from neuromf_spec.registry import law

from neuromf.config import load_config
from neuromf.data.splits import split_subjects
from neuromf.data.statistics import ChannelStatistics, channel_moments, pool_moments
from neuromf.monitor.live import data_reading
from neuromf.training.latents import training_store

subjects = st.sets(st.text("abc0123", min_size=1, max_size=4), min_size=4, max_size=30)


@pytest.mark.law("DATA-001")
@given(seed=st.integers(0, 2**31), size=st.integers(2, 5), scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3))
def test_normalised_training_latents_pass_the_law(seed, size, scale, shift):
    """Any scans, whatever their level and spread, are standardised by their own pooled statistics."""
    z = torch.randn(size, 4, 3, 4, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    z = z * scale + shift
    statistics = pool_moments([channel_moments(scan) for scan in z])

    assert data_reading(statistics.normalise(z)).finding.passed


@pytest.mark.law("DATA-001")
@given(seed=st.integers(0, 2**31), std=st.floats(0.1, 10), mean=st.floats(-10, 10))
def test_denormalise_restores_what_normalise_took(seed, std, mean):
    """The inverse gives the latents back to rounding."""
    z = torch.randn(2, 4, 3, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    statistics = ChannelStatistics((mean,) * 4, (std,) * 4)

    # Two roundings of numbers up to 10 + 6 std: 1e-14 bounds them.
    assert torch.allclose(statistics.denormalise(statistics.normalise(z)), z, rtol=0, atol=1e-13)


@pytest.mark.law("DATA-001")
def test_latents_of_real_scans_pass_and_raw_ones_do_not(tmp_path, monkeypatch):
    """The demo cohort's latents obey the law after normalisation and break it before."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path))
    small = ["data.demo_subjects=3", "data.spacing_mm=6.0", "data.shape=[32,32,32]", "data.split_ratios=[0.7,0.3,0.0]"]
    store = training_store(load_config(["smoke"], small))
    raw = torch.stack([store.raw(scan) for scan in store.scan_ids("train")])

    assert data_reading(store.split("train")).finding.passed
    assert not data_reading(raw).finding.passed
    assert Path(store.path).is_dir()


@pytest.mark.law("DATA-002")
@given(ids=subjects, seed=st.integers(0, 2**31))
def test_no_subject_is_in_two_splits_and_order_does_not_matter(ids, seed):
    """A split names each subject once, and is the same whatever order the ids come in."""
    first = split_subjects(sorted(ids), (0.7, 0.2, 0.1), seed)
    second = split_subjects(sorted(ids, reverse=True), (0.7, 0.2, 0.1), seed)

    groups = [{s for s, split in first.items() if split == name} for name in ("train", "validation", "test")]
    shared = sum(len(a & b) for i, a in enumerate(groups) for b in groups[i + 1 :])
    assert law("DATA-002").predicate(shared_subjects=shared).passed
    assert first == second
    assert set(first) == ids


@pytest.mark.law("DATA-002")
@given(subjects=st.integers(1, 400), seed=st.integers(0, 2**31))
def test_the_shares_that_would_pass_do(subjects, seed):
    """What the law advises where a split is empty gives each split a subject, as far as there are three."""
    advice = disjoint_splits(shared_subjects=0, empty_splits=["test"], subjects=subjects).passing_value
    assert bool(advice) is (subjects >= 3)
    if advice:
        ratios = load_config(["smoke"], [advice]).data.split_ratios
        assert len(set(split_subjects([str(index) for index in range(subjects)], ratios, seed).values())) == 3
