"""The tool that trains the shipped autoencoder: start, objective, patches, schedule."""

import math

import pytest
import torch

from neuromf.nets.vae import LatentCodec
from neuromf.nets.vae_architecture import build_vae
from tools.demo_vae.initialise import narrow_posterior, whiten_latents
from tools.demo_vae.objective import KL_WEIGHT, autoencoder_loss, total_correlation
from tools.demo_vae.quality import reconstruction_quality
from tools.demo_vae.train import ARCHITECTURE, PATCH, learning_rate_factor, random_patch, unit_scale_factor


@pytest.fixture(scope="module")
def volumes():
    """Two smooth random volumes."""
    coarse = torch.rand((2, 1, 6, 6, 6), generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, size=24, mode="trilinear")


@pytest.fixture
def network():
    """The shipped architecture, untrained."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_vae(ARCHITECTURE)


def test_training_starts_with_a_narrow_posterior(network, volumes):
    """The initial posterior's standard deviation is 0.05 everywhere."""
    narrow_posterior(network)
    with torch.no_grad():
        _, sigma = network.encode(volumes)
    assert torch.allclose(sigma, torch.full_like(sigma, 0.05))


def test_training_starts_with_white_latents(network, volumes):
    """After whitening the four channels of the volumes have mean 0 and no correlation."""
    whiten_latents(network, volumes)
    with torch.no_grad():
        channels = network.encode(volumes)[0].transpose(0, 1).flatten(1)
    assert channels.mean(1).tolist() == pytest.approx([0] * 4, abs=1e-3)
    off_diagonal = torch.corrcoef(channels) - torch.eye(4)
    assert off_diagonal.abs().max() < 0.1


def test_total_correlation_is_the_gaussian_mutual_information():
    """Independent channels give 0, two channels of correlation 0.8 give -log(0.6), copies give more."""
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn((2, 1, 1, 40, 40, 40), generator=generator)
    assert float(total_correlation(torch.cat([a, b], 1))) == pytest.approx(0, abs=2e-3)
    assert float(total_correlation(torch.cat([a, 0.8 * a + 0.6 * b], 1))) == pytest.approx(-math.log(0.6), abs=2e-2)
    assert float(total_correlation(torch.cat([a, -a], 1))) > 2


def test_perfect_reconstruction_costs_the_latent_alone():
    """With equal volumes and a standard normal posterior the loss is the channels' correlation penalty, nearly 0."""
    volume = torch.rand((1, 1, 8, 8, 8), generator=torch.Generator().manual_seed(0))
    mean = torch.randn((1, 4, 16, 16, 16), generator=torch.Generator().manual_seed(1))
    loss = autoencoder_loss(volume, volume, mean, torch.ones_like(mean))
    assert float(loss) == pytest.approx(0.5 * KL_WEIGHT, rel=0.1)


def test_patches_lie_on_the_latent_grid():
    """A patch is a cube of the volume whose corner is a multiple of the stride."""
    volume = torch.arange(64**3, dtype=torch.float32).reshape(1, 1, 64, 64, 64)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        patches = [random_patch(volume) for _ in range(20)]
    corners = {tuple(int(i) for i in torch.unravel_index(patch[0, 0, 0, 0, 0].long(), (64,) * 3)) for patch in patches}
    assert all(patch.shape == (1, 1, PATCH, PATCH, PATCH) for patch in patches)
    assert all(index % ARCHITECTURE.stride == 0 for corner in corners for index in corner)
    assert len(corners) > 15


def test_learning_rate_warms_up_and_falls_to_one_percent():
    """The factor rises to 1 over the first 50 steps and ends at 0.01."""
    factors = [learning_rate_factor(step, 1000) for step in range(1001)]
    assert factors[0] == pytest.approx(0.02)
    assert max(factors) == factors[49] == pytest.approx(1.0)
    assert factors[50:] == sorted(factors[50:], reverse=True)
    assert factors[1000] == pytest.approx(0.01)


def test_scale_factor_gives_unit_deviation(network, volumes):
    """Latents times the chosen factor have standard deviation 1 over all channels together."""
    codec = LatentCodec(network, ARCHITECTURE, unit_scale_factor(network, volumes))
    assert float(codec.encode(volumes).double().std()) == pytest.approx(1, rel=1e-4)


class Shifted:
    """A codec that gives every volume back a little brighter."""

    def encode(self, volume):
        """The volume itself."""
        return volume

    def decode(self, latent):
        """0.01 brighter: an error of exactly 40 dB."""
        return latent + 0.01


def test_quality_is_measured_in_decibel():
    """A constant error of 0.01 is a peak signal-to-noise ratio of 40 dB, the same for every subject."""
    volumes = 0.1 + 0.8 * torch.rand((2, 1, 16, 16, 16), generator=torch.Generator().manual_seed(0))
    quality = reconstruction_quality(Shifted(), volumes)
    assert quality.psnr_mean == pytest.approx(40, abs=1e-3)
    assert quality.psnr_sd == pytest.approx(0, abs=1e-3)
    assert 0.99 < quality.ssim_mean <= 1
