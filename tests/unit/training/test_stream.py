"""Latents read as they are drawn, by any number of processes: the same batches, the same run."""

from __future__ import annotations

import itertools

import pytest
import torch

from neuromf.data.latent_set import StoredLatents, channel_std
from neuromf.errors import InputError
from neuromf.monitor.checks.launch_checks import data_reading
from neuromf.monitor.moments import latent_moments
from neuromf.training.batches.source import BatchSource
from neuromf.training.batches.stream import open_source
from neuromf.training.latents.store import training_store
from neuromf.training.loop import train
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.records.run_folder import create_run
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The latent store of four demo subjects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(tmp_path_factory.mktemp("cache")))
        return training_store(make_tiny_config())


@pytest.fixture
def stored(store):
    return StoredLatents(store, "train")


def numbers(batch):
    return torch.cat([getattr(batch, name).flatten() for name in ("x", "e", "r_B", "t_B")])


def drawn(latents, config, workers, first=0, group=ProcessGroup()):  # noqa: B008
    """Every micro-batch of a rank from a step on, in the order of training."""
    with open_source(BatchSource(latents, config, CPU), first=first, group=group, workers=workers) as source:
        keys = [(step, *share) for step in range(first, 6) for share in group.share(source.micro_batches())]
        return [numbers(source.draw(*key)) for key in keys]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_do_not_depend_on_the_workers(stored, store, tiny_config, workers):
    """Read by none, one or two processes, micro-batches are those of the split held in memory, bit for bit."""
    expected = drawn(store.split("train"), tiny_config, 0)
    found = drawn(stored, tiny_config, workers)
    assert len(found) == len(expected) == 12
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_a_resumed_stream_goes_on_where_it_was(stored, tiny_config):
    """From step 4 on, two processes draw what they would have drawn."""
    whole = drawn(stored, tiny_config, 2)
    assert all(torch.equal(a, b) for a, b in zip(drawn(stored, tiny_config, 2, first=4), whole[8:], strict=True))


def test_a_resumed_stream_was_drawn_ahead(stored, tiny_config):
    """Every batch after a resume comes from a worker; one drawn on the spot would be right and slow."""
    with open_source(BatchSource(stored, tiny_config, CPU), first=4, group=ProcessGroup(), workers=1) as source:
        keys = [(step, *share) for step in (4, 5) for share in source.micro_batches()]
        assert all(source.feed.take(key) is not None for key in keys)


def test_ranks_stream_their_own_shares(stored, tiny_config):
    """The streams of two ranks, taken in turn, are the stream of one."""
    ranks = [drawn(stored, tiny_config, 1, group=ProcessGroup(rank, 2)) for rank in range(2)]
    merged = list(itertools.chain.from_iterable(zip(*ranks, strict=True)))
    assert all(torch.equal(a, b) for a, b in zip(merged, drawn(stored, tiny_config, 0), strict=True))


def test_a_batch_out_of_turn_is_drawn_on_the_spot(stored, tiny_config):
    """A step that is run again draws the same batches, and the stream goes on behind it."""
    plain = BatchSource(stored, tiny_config, CPU)
    with open_source(BatchSource(stored, tiny_config, CPU), first=0, group=ProcessGroup(), workers=1) as source:
        for key in [(0, 0, 4), (0, 4, 4), (0, 0, 4), (0, 4, 4), (1, 0, 4)]:
            assert torch.equal(numbers(source.draw(*key)), numbers(plain.draw(*key)))


def test_torch_randomness_is_left_alone(stored, tiny_config):
    """Starting the workers draws nothing from the generator that everything shares."""
    before = torch.get_rng_state()
    drawn(stored, tiny_config, 1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_does_not_depend_on_how_it_is_fed(tmp_path, stored, store, tiny_config, workers):
    """Trace and summary are the bytes of a run on the split held in memory."""
    for name, latents in (("held", store.split("train")), ("read", stored)):
        run = create_run(tmp_path / name, tiny_config, "")
        train(tiny_config, latents, run, device=CPU, workers=workers if name == "read" else 0)
    for file in ("trace.csv", "training_summary.json"):
        assert (tmp_path / "held" / file).read_bytes() == (tmp_path / "read" / file).read_bytes()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_scan_is_met_when_it_is_read(store, tiny_config, workers):
    """A latent that changed since its store was opened ends the run in a sentence with its path."""
    whole = [path.read_bytes() for path in sorted((store.path / "scans").iterdir())]
    try:
        for path in sorted((store.path / "scans").iterdir()):
            path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
        with pytest.raises(InputError, match="sha256"):
            drawn(StoredLatents(store, "train"), tiny_config, workers)
    finally:
        for path, content in zip(sorted((store.path / "scans").iterdir()), whole, strict=True):
            path.write_bytes(content)


def test_the_manifest_knows_the_moments_of_what_is_read(stored, store):
    """Moments, spread and the law's reading from the manifest are those of the latents, to float32 rounding."""
    held = store.split("train")
    # Normalised float32 values of order 1 are off by 6e-8 each; their means over 512 of them by less.
    for found, expected in zip(latent_moments(stored).mean, latent_moments(held).mean, strict=True):
        assert found == pytest.approx(expected, abs=1e-6)
    for found, expected in zip(latent_moments(stored).spread, latent_moments(held).spread, strict=True):
        assert found == pytest.approx(expected, abs=1e-6)
    assert channel_std(stored) == pytest.approx(channel_std(held), rel=1e-6)
    assert data_reading(stored).finding.passed
