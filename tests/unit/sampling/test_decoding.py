"""From normalised latents to volumes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from neuromf.data.statistics import ChannelStatistics
from neuromf.nets.vae import load_vae
from neuromf.sampling.sampling import decode
from tests.support.tiny_run import make_tiny_config


@pytest.mark.law("DATA-001")
def test_decoding_undoes_the_normalisation():
    """A normalised latent is decoded as the raw latent it stands for, clipped to [0, 1]."""
    statistics = ChannelStatistics((0.35, 0.18, 0.33, -0.13), (1.16, 1.2, 0.54, 0.88))
    raw = torch.randn(2, 4, 4, 4, 4, generator=torch.Generator().manual_seed(0))

    volumes = decode(statistics.normalise(raw), make_tiny_config(), SimpleNamespace(statistics=statistics))

    expected = load_vae("demo").decode(raw).clamp(0, 1)
    assert len(volumes) == 2
    # Shifting and scaling there and back rounds latents of order 1 in float32; the decoder passes on a few times that.
    assert torch.allclose(torch.from_numpy(volumes[0]), expected[0, 0], rtol=0, atol=1e-3)
    assert torch.allclose(torch.from_numpy(volumes[1]), expected[1, 0], rtol=0, atol=1e-3)
