"""Augmented latents: a function of (seed, step, sample) alone, MONAI's transforms, and nothing unless asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuromf.config.schema import AugmentationConfig
from neuromf.training.batches.augmentation import augmentations, augmented
from neuromf.training.batches.randomness import Purpose, generator
from neuromf.training.batches.source import BatchSource
from tests.support.tiny_run import make_tiny_config

pytestmark = pytest.mark.law("BATCH-002")
ALL = ("augmentation.flip_probability=0.5", "augmentation.noise_std=0.1", "augmentation.channel_scale=0.2")
CPU = torch.device("cpu")


def latent(seed=0):
    return torch.randn((4, 3, 4, 5), generator=torch.Generator().manual_seed(seed))


def draws(settings, count=400):
    chosen = augmentations(settings)
    return [augmented(latent(), chosen, generator(0, Purpose.AUGMENTATION, 0, sample)) for sample in range(count)]


def test_a_flip_mirrors_left_and_right_in_the_share_that_is_asked_for():
    """Each draw is the latent or its mirror image; 400 draws at 0.25 are within four standard errors."""
    seen = [torch.equal(one, latent().flip(1)) for one in draws(AugmentationConfig(flip_probability=0.25))]
    others = [
        one for one, flipped in zip(draws(AugmentationConfig(flip_probability=0.25)), seen, strict=True) if not flipped
    ]
    assert all(torch.equal(one, latent()) for one in others)
    assert np.mean(seen) == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 400))


def test_noise_has_the_width_that_is_asked_for():
    """Mean 0 and that standard deviation, over 400 draws of 240 numbers."""
    noise = torch.stack(draws(AugmentationConfig(noise_std=0.1))) - latent()
    assert float(noise.mean()) == pytest.approx(0, abs=4 * 0.1 / np.sqrt(noise.numel()))
    assert float(noise.std()) == pytest.approx(0.1, rel=4 / np.sqrt(2 * noise.numel()))


def test_each_channel_is_scaled_by_a_factor_of_its_own():
    """Uniform within 1 - s and 1 + s, the same throughout a channel."""
    factors = torch.stack(draws(AugmentationConfig(channel_scale=0.2))) / latent()
    by_channel = factors.mean((2, 3, 4))
    assert torch.allclose(factors, by_channel[:, :, None, None, None].expand_as(factors), atol=1e-5)
    assert 0.8 <= float(by_channel.min()) < 0.81
    assert 1.19 < float(by_channel.max()) <= 1.2
    assert abs(float(torch.corrcoef(by_channel.T)[0, 1])) < 0.2


def test_the_latent_is_left_as_it_is_and_a_plain_tensor_comes_out():
    """Latents in memory are drawn again in the next turn."""
    kept = latent()
    chosen = augmentations(make_tiny_config(*ALL).augmentation)
    one = augmented(kept, chosen, generator(0, Purpose.AUGMENTATION, 0, 0))
    assert torch.equal(kept, latent())
    assert (type(one), one.dtype, one.shape) == (torch.Tensor, torch.float32, kept.shape)


def test_a_sample_does_not_depend_on_how_a_step_is_cut():
    """One micro-batch of four, four of one, and the same again: bit for bit; another step and seed differ."""
    latents = torch.randn((6, 4, 4, 4, 4), generator=torch.Generator().manual_seed(1))
    config = make_tiny_config(*ALL, "training.batch_size_per_gpu=4", "training.gradient_accumulation_steps=1")
    source = BatchSource(latents, config, CPU)
    state = np.random.get_state()[1].copy()
    whole = source.draw(3, 0, 4)
    parts = [source.draw(3, start, 1) for start in (2, 0, 3, 1)]
    order = torch.cat([parts[index].x for index in (1, 3, 0, 2)])
    assert torch.equal(whole.x, order)
    assert torch.equal(whole.x, source.draw(3, 0, 4).x)
    assert not torch.equal(
        whole.x, BatchSource(latents, make_tiny_config(*ALL, "training.seed=9"), CPU).draw(3, 0, 4).x
    )
    assert np.array_equal(state, np.random.get_state()[1])  # nobody draws from the global generator


def test_noise_and_times_are_those_of_a_run_without_augmentation():
    """What is drawn for it moves no other draw and repeats none; without it the latents are the stored ones."""
    latents = torch.randn((6, 4, 4, 4, 4), generator=torch.Generator().manual_seed(1))
    augmenting, plain = make_tiny_config(*ALL), make_tiny_config()
    with_it, without = (BatchSource(latents, config, CPU).draw(2, 0, 3) for config in (augmenting, plain))
    assert torch.equal(with_it.e, without.e)
    assert torch.equal(with_it.t_B, without.t_B)
    assert all(any(torch.equal(one, kept) for kept in latents) for one in without.x)
    assert not any(torch.equal(one, kept) for one in with_it.x for kept in latents)
    purposes = [int(purpose) for purpose in Purpose.__members__.values()]
    assert len(set(purposes)) == len(purposes)  # under one number, noise and augmentation would be the same draws
