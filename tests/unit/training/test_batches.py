"""Which draws a batch holds: its own for each sample, step and seed."""

from __future__ import annotations

import torch

from neuromf.training.batches.source import BatchSource, micro_batch_hash, step_hash
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
LATENTS = torch.zeros(3, 4, 8, 8, 8)


def draw(step=0, *overrides):
    """Eight samples of one step, all of them MF, so that each has two times of its own."""
    config = make_tiny_config("time_sampling.data_proportion=0.0", *overrides)
    return BatchSource(LATENTS, config, CPU).draw(step, 0, 8)


def rows_of(*batches):
    """Noise and times of each sample, as texts that can be counted."""
    noise = {str(row.flatten()[:8].tolist()) for batch in batches for row in batch.e}
    times = {str(pair) for batch in batches for pair in zip(batch.r_B.tolist(), batch.t_B.tolist(), strict=True)}
    return len(noise), len(times)


def test_samples_of_a_step_have_noise_and_times_of_their_own():
    """Eight samples have eight noises and eight pairs of times."""
    assert rows_of(draw()) == (8, 8)


def test_steps_have_noise_and_times_of_their_own():
    """Three steps of eight samples have 24 of each."""
    assert rows_of(*(draw(step) for step in range(3))) == (24, 24)


def test_seeds_have_noise_and_times_of_their_own():
    """The same step of another seed has other noise and other times."""
    assert rows_of(*(draw(0, f"training.seed={seed}") for seed in range(3))) == (24, 24)


def test_noise_is_standard_normal():
    """Over 16,384 numbers the mean is 0 and the variance 1, to five standard errors."""
    noise = draw().e.double()
    assert abs(float(noise.mean())) <= 5 / 128
    assert abs(float(noise.var()) - 1) <= 5 * 2**0.5 / 128


def test_the_hash_of_a_step_does_not_depend_on_how_it_is_cut():
    """Eight samples at once and as two times four have one hash; another step has another."""
    source = BatchSource(LATENTS, make_tiny_config(), CPU)
    whole = step_hash([source.draw(0, 0, 8).digest])
    parts = step_hash([source.draw(0, start, 4).digest for start in (0, 4)])
    assert whole == parts != step_hash([source.draw(1, 0, 8).digest])


def test_the_hash_of_a_step_sees_data_and_noise():
    """One number moved in a latent or in its noise is another hash."""
    batch = draw()
    plain = micro_batch_hash(batch.x, batch.e)
    assert batch.digest == plain
    for name in ("x", "e"):
        tensor = getattr(batch, name)
        before = tensor[3, 0, 0, 0, 0].item()
        tensor[3, 0, 0, 0, 0] += 1
        assert micro_batch_hash(batch.x, batch.e) != plain
        tensor[3, 0, 0, 0, 0] = before
    assert micro_batch_hash(batch.x, batch.e) == plain
