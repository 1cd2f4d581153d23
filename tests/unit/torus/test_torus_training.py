"""A training on the torus: what it learns, and that its copies and its settings are comparable."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromf.flow.settings import ObjectiveSettings, TimeSettings
from neuromf.torus.distribution import sliced_wasserstein, torus_distance
from neuromf.torus.net import TimeLayers, TorusNet
from neuromf.torus.recipe import JUDGED, NOISE_SEED, TorusSettings, train_torus

FEW = TorusSettings(steps=8, batch=16)
LEARNED, SPREAD = 0.4, 0.14
"""Bounds on distance and Wasserstein distance after 500 steps. Seeds 0 to 11: 0.285 to 0.327 and 0.073 to 0.106; of the
noise that goes in: 0.84 to 0.85 and 0.20 to 0.21."""


def test_five_hundred_steps_learn_the_torus():
    """One evaluation of a network that trained for seconds puts noise onto the torus, and spreads it there."""
    trained = train_torus(TorusSettings(steps=500), (0, 1))
    assert trained.distance_M.max() < LEARNED
    assert trained.wasserstein_M.max() < SPREAD
    noise = np.random.default_rng(NOISE_SEED).standard_normal((JUDGED, 4))
    assert torus_distance(noise).mean() > 2 * LEARNED
    assert sliced_wasserstein(noise) > 1.4 * SPREAD


def test_copies_side_by_side_train_as_if_alone():
    """Losses and samples of a seed are those of a training of this seed alone, to float32 rounding."""
    together, alone = train_torus(FEW, (3, 5)), train_torus(FEW, (5,))
    for name in ("raw_fm_SM", "raw_mf_SM"):
        assert getattr(together, name)[:, 1] == pytest.approx(getattr(alone, name)[:, 0], rel=1e-5)
    assert together.samples_MBD[1] == pytest.approx(alone.samples_MBD[0], abs=1e-4)
    assert np.abs(together.samples_MBD[0] - together.samples_MBD[1]).max() > 1


def test_a_training_repeats_and_a_seed_changes_it():
    """The same seed gives the same samples bit for bit, another one others."""
    first, again, other = (train_torus(FEW, (seed,)).samples_MBD for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_global_randomness_is_neither_used_nor_moved():
    """A training leaves torch's own generator where it was, and does not depend on it."""
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = train_torus(FEW, (0,)).samples_MBD
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert np.array_equal(first, train_torus(FEW, (0,)).samples_MBD)


def seen(share):
    """Points and times of every forward pass with gradient of a short training."""
    passes = []

    class Watched(TorusNet):
        def forward(self, z, r_B, t_B):
            if torch.is_grad_enabled():
                passes.append((z.detach().clone(), r_B.clone(), t_B.clone()))
            return super().forward(z, r_B, t_B)

    times = TimeSettings(data_proportion=share, uniform_fraction=0.0)
    train_torus(replace(FEW, times=times), (0, 1), Watched)
    return [torch.stack(part) for part in zip(*passes, strict=True)]


def test_two_shares_with_one_seed_are_a_pair():
    """Whatever the share, data, noise and times t of every step are the same; r differs where the share says so."""
    (few_z, few_r, few_t), (many_z, many_r, many_t) = seen(0.25), seen(0.75)
    assert torch.equal(few_z, many_z)
    assert torch.equal(few_t, many_t)
    assert (few_r == few_t).double().mean().item() == 0.25
    assert (many_r == many_t).double().mean().item() == 0.75


def test_mf_samples_whose_times_coincide_do_not_end_a_training():
    """Where most r and t are one number in float32, every copy still has its MF samples, with r below t."""
    times = TimeSettings(data_proportion=0.25, sigma=1e-8, uniform_fraction=0.0)
    trained = train_torus(replace(FEW, times=times), (0, 1))
    assert np.isfinite(trained.raw_mf_SM).all()


@pytest.mark.parametrize(("share", "missing", "present"), [(1.0, "mf", "fm"), (0.0, "fm", "mf")])
def test_a_kind_of_samples_that_is_absent_has_no_loss(share, missing, present):
    """Without MF samples their loss is NaN in every step, and without FM samples theirs, never 0."""
    trained = train_torus(replace(FEW, times=TimeSettings(data_proportion=share)), (0,))
    assert np.isnan(getattr(trained, f"raw_{missing}_SM")).all()
    assert np.isfinite(getattr(trained, f"raw_{present}_SM")).all()


def silent(seeds):
    """Copies whose output is 0."""
    net = TorusNet(seeds)
    for parameter in net.last.parameters():
        torch.nn.init.zeros_(parameter)
    return net


def test_the_noise_that_a_seed_is_judged_by_is_its_own():
    """A net that predicts no velocity gives the noise back, which for every seed is drawn from NOISE_SEED + seed."""
    unmoved = replace(FEW, steps=1, learning_rate=0.0, objective=ObjectiveSettings(prediction="u"))
    samples = train_torus(unmoved, (0, 3), silent).samples_MBD
    drawn = [np.random.default_rng(NOISE_SEED + seed).standard_normal((JUDGED, 4)) for seed in (0, 3)]
    assert np.array_equal(samples, np.array(drawn, np.float32))


def test_the_first_loss_of_a_silent_net_is_that_of_predicting_nothing():
    """With u-prediction and an output of 0 the FM loss is the variance of noise and data, 1 + 1/2 a dim."""
    settings = replace(FEW, steps=1, batch=4096, objective=ObjectiveSettings(prediction="u"))
    first = train_torus(settings, (0,), silent).raw_fm_SM[0, 0]
    assert first == pytest.approx(1.5, rel=0.05)  # 3,072 FM samples of 4 dims: a standard error of 1 %


def test_every_seed_draws_weights_of_its_own():
    """The copies of one network differ, within the bound that a linear layer draws from."""
    weight = TorusNet((0, 1)).hidden[0].weight
    assert not torch.equal(weight[0], weight[1])
    assert weight.abs().max() <= 64**-0.5
    assert weight.std().item() == pytest.approx(64**-0.5 / 3**0.5, rel=0.05)


def test_larger_spaces_are_trained_in():
    """With dims 16 the samples have 16 dims."""
    assert train_torus(replace(FEW, dims=16), (0,)).samples_MBD.shape == (1, JUDGED, 16)


def embedded(time, **settings):
    """What the time layers make of one time."""
    layers = TimeLayers([torch.Generator().manual_seed(0)], 8, **settings)
    return layers(torch.zeros(1), torch.tensor([time]))


def test_at_scale_1000_an_embedding_in_bfloat16_merges_near_times():
    """At scale 1000 times 0.0002 apart, 0.2 radians, are one time in bf16 and two in float32."""
    near = (0.7000, 0.7002)
    for precision, equal in ((torch.bfloat16, True), (torch.float32, False)):
        first, second = (embedded(time, scale=1000.0, precision=precision) for time in near)
        assert torch.equal(first, second) is equal
