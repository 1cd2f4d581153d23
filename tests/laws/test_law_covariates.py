"""Covariates of the samples of a training (laws COV-001 and COV-002)."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.training.batches.source import BatchSource
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
SCANS, STEPS = 7, 40


def source_of(dropout, seed=0, scans=SCANS):
    """Latents that hold their own number everywhere, and covariates that hold it too."""
    config = make_tiny_config(
        'covariates.columns=["number=0..100", "kind=a|b"]', f"covariates.dropout={dropout}", f"training.seed={seed}"
    )
    numbers = torch.arange(1.0, scans + 1)
    covariates = torch.stack([torch.ones(scans), numbers, numbers % 2, 1 - numbers % 2], dim=1)
    latents = numbers.reshape(-1, 1, 1, 1, 1).expand(-1, *config.latent_shape)
    return BatchSource(latents, config, CPU, covariates)


def batches(source, steps=STEPS):
    return [source.draw(step, start, size) for step in range(steps) for start, size in source.micro_batches()]


@pytest.mark.law("COV-001")
@given(seed=st.integers(0, 2**62), scans=st.integers(1, 12))
def test_a_sample_has_the_covariates_of_its_own_scan(seed, scans):
    """Whatever the order in which the seed draws scans."""
    drawn = batches(source_of(0.0, seed, scans), steps=3)
    strangers = sum(int((batch.y_BK[:, 1] != batch.x.flatten(1)[:, 0]).sum()) for batch in drawn)
    assert law("COV-001").predicate(strangers=strangers).passed


@pytest.mark.law("COV-002")
@pytest.mark.parametrize("dropout", [0.0, 0.1, 0.5])
def test_a_share_of_the_samples_drops_its_covariates(dropout):
    """All of them at once."""
    y_BK = torch.cat([batch.y_BK for batch in batches(source_of(dropout))])
    dropped = ~(y_BK != 0).any(1)
    assert law("COV-002").predicate(dropped=int(dropped.sum()), samples=len(y_BK), dropout=dropout).passed
    assert bool((y_BK[~dropped][:, 0] == 1).all())
    assert bool((y_BK[~dropped][:, 2:].sum(1) == 1).all())


@pytest.mark.law("COV-002")
@pytest.mark.parametrize(("dropped", "passes"), [(0, False), (5, True), (20, True), (45, False)])
def test_a_wrong_share_is_noticed(dropped, passes):
    """Of two hundred samples at a tenth: 4.24 samples are a standard error."""
    assert law("COV-002").predicate(dropped=dropped, samples=200, dropout=0.1).passed is passes


@pytest.mark.law("COV-002")
def test_what_is_dropped_does_not_depend_on_the_cut():
    """A step's samples drop the same covariates however they are cut into micro-batches."""
    source = source_of(0.5)
    whole = source.draw(3, 0, 8)
    parts = [source.draw(3, start, 2) for start in range(0, 8, 2)]
    assert torch.equal(whole.y_BK, torch.cat([part.y_BK for part in parts]))
    assert whole.digest == "".join(part.digest for part in parts)


def test_dropping_changes_neither_data_nor_noise_nor_times():
    """Covariates have draws of their own."""
    told, untold = (source_of(dropout).draw(2, 0, 8) for dropout in (0.0, 0.9))
    for name in ("x", "e", "r_B", "t_B"):
        assert torch.equal(getattr(told, name), getattr(untold, name))
    assert told.digest != untold.digest


@pytest.mark.parametrize("covariates", [None, torch.ones(SCANS + 1, 4)])
def test_latents_without_their_covariates_are_refused(covariates):
    """No run trains on less than its configuration says."""
    source = source_of(0.1)
    with pytest.raises(ValueError, match="a row for each latent"):
        BatchSource(source.latents, source.config, CPU, covariates)
