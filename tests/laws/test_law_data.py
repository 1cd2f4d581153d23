"""DATA-001, -002, -004, -005, -008: standardised latents, whole subjects, scans and autoencoder that open and fit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.law import Severity
from neuromf_spec.laws.data import disjoint_splits
from neuromf_spec.registry import law

from neuromf.config import load_config
from neuromf.data.splits import split_subjects
from neuromf.data.statistics import ChannelStatistics, channel_moments, pool_moments
from neuromf.gate.static import static_findings
from neuromf.monitor.checks.launch_checks import data_reading
from neuromf.training.latents.store import training_store

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
@given(ids=subjects, seed=st.integers(0, 2**31), train=st.floats(0, 1))
def test_a_cohort_of_any_size_leaves_subjects_to_train_on(ids, seed, train):
    """Splits that nothing reads may be empty; the training split never is."""
    split = split_subjects(ids, (train, (1 - train) / 2, (1 - train) / 2), seed)
    empty = [name for name in ("train", "validation", "test") if name not in split.values()]
    assert "train" not in empty
    assert disjoint_splits(shared_subjects=0, empty_splits=empty, subjects=len(split)).passed


@pytest.mark.law("DATA-002")
def test_an_empty_training_split_breaks_the_law():
    """The one split that is read must hold a subject; what is advised gives it all of them."""
    finding = disjoint_splits(shared_subjects=0, empty_splits=["train", "test"], subjects=2)
    assert not finding.passed
    assert load_config(["smoke"], [finding.passing_value]).data.split_ratios == (1.0, 0.0, 0.0)


@pytest.mark.law("DATA-004")
@given(scans=st.integers(0, 100_000), unreadable=st.integers(0, 100_000))
def test_a_cohort_passes_only_with_scans_that_can_all_be_used(scans, unreadable):
    """One bad scan is too many, and so is no scan at all."""
    assert law("DATA-004").predicate(unreadable=unreadable, scans=scans).passed is (scans > 0 and unreadable == 0)


@pytest.mark.law("DATA-004")
@given(named=st.integers(1, 10), more=st.integers(0, 1_000))
def test_a_broken_cohort_counts_the_scans_that_it_does_not_name(named, more):
    """Those named and those counted are all that are bad."""
    names = [f"scan {index}" for index in range(named)]
    detail = law("DATA-004").predicate(unreadable=named + more, scans=5_000, named=names).detail
    assert all(name in detail for name in names)
    assert (f"and {more} more" in detail) is (more > 0)


@pytest.mark.law("DATA-005")
@given(problem=st.text(max_size=20))
def test_an_autoencoder_passes_only_without_a_problem(problem):
    """Whatever opening it said breaks the law, and is told."""
    finding = law("DATA-005").predicate(problem=problem)
    assert finding.passed is (problem == "")
    assert finding.detail == problem


@pytest.mark.law("DATA-008")
@given(psnr=st.floats(-10, 90) | st.just(math.nan), resampled=st.floats(-10, 90), scans=st.integers(0, 9))
def test_an_autoencoder_passes_only_if_it_keeps_more_than_a_resampling(psnr, resampled, scans):
    """Of at least one scan; as much is not more, nor is NaN."""
    finding = law("DATA-008").predicate(scans=scans, psnr=psnr, resampled_psnr=resampled)
    assert finding.passed is (scans > 0 and psnr > resampled)
    assert f"{scans} scans" in finding.detail


@pytest.mark.law("DATA-002")
def test_guessed_subjects_are_a_warning_that_names_two_alike():
    """A split whose subjects are guessed blocks nothing and is not passed over either."""
    finding = disjoint_splits(shared_subjects=0, unnamed_scans=3, alike=("anna_1", "anna_2"), subjects=3)
    assert (finding.passed, finding.severity) == (False, Severity.WARN)
    assert "'anna_1' and 'anna_2' look like one person" in finding.detail
    assert "3 scans are guessed" in finding.detail
    assert disjoint_splits(shared_subjects=1, unnamed_scans=3).severity is None  # a torn subject blocks all the same


@pytest.mark.law("DATA-002")
@pytest.mark.parametrize(
    ("names", "status"),
    [
        (["OAS1_0001_MR1", "OAS1_0001_MR2", "OAS1_0002_MR1", "OAS1_0003_MR1"], "pass"),
        (["sub-1_T1w", "sub-2_T1w", "sub-3_T1w"], "pass"),
        (["anna_1", "anna_2", "berta_1", "carla_1"], "warn"),
    ],
)
def test_the_static_gate_warns_of_guessed_subjects_and_of_no_others(tmp_path, names, status):
    """BIDS and published names are no guess; others are, and the gate says so before anything is encoded."""
    for name in names:
        (tmp_path / f"{name}.nii.gz").touch()
    overrides = ["data.source=folder", f"data.root={tmp_path}", "data.split_ratios=[0.34,0.33,0.33]"]
    result = next(r for r in static_findings(load_config(["smoke"], overrides), {}) if r.law_id == "DATA-002")
    assert result.status == status
    assert ("'anna_1' and 'anna_2'" in result.detail) == (status == "warn")
