"""Channel statistics: pooled in float64, refused when useless, undone exactly (DATA-001)."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuromf.data.statistics import ChannelMoments, ChannelStatistics, channel_moments, pool_moments
from neuromf.errors import InputError


def latents(seed, sizes, offset=0.0):
    generator = torch.Generator().manual_seed(seed)
    return [offset + torch.randn((4, *size), generator=generator, dtype=torch.float64) for size in sizes]


@given(st.integers(0, 1000), st.lists(st.tuples(*[st.integers(2, 4)] * 3), min_size=1, max_size=5), st.floats(-9, 9))
def test_pooled_equals_concatenated(seed, sizes, offset):
    """Pooling scans of several sizes gives mean and standard deviation of all their values together."""
    scans = latents(seed, sizes, offset)
    pooled = pool_moments([channel_moments(scan) for scan in scans])
    values = torch.cat([scan.flatten(1) for scan in scans], dim=1)
    assert pooled.mean == pytest.approx(values.mean(1).tolist(), abs=1e-10)
    assert pooled.std == pytest.approx(values.std(1, correction=0).tolist(), rel=1e-10)


def test_spread_between_scans_counts():
    """Two scans that differ in mean alone have the variance within plus the variance between."""
    pooled = pool_moments([ChannelMoments((-3.0,), (4.0,), 10), ChannelMoments((3.0,), (4.0,), 10)])
    assert pooled == ChannelStatistics((0.0,), (5.0,))


@pytest.mark.law("DATA-001")
def test_the_spread_of_all_channels_together_is_that_of_all_values():
    """Channels of unlike means and widths, as one heap of numbers; a constant shift of all changes nothing."""
    scans = [torch.stack([(1 + channel) * scan[channel] + 3 * channel for channel in range(4)])
             for scan in latents(1, [(4, 4, 4), (4, 4, 4)])]  # fmt: skip
    found = pool_moments([channel_moments(scan) for scan in scans]).pooled_std()
    assert found == pytest.approx(float(torch.stack(scans).std(correction=0)), rel=1e-12)


def test_normalised_training_values_are_standard():
    """Normalised training latents have per-channel mean 0 and standard deviation 1."""
    stack = torch.stack(latents(0, [(4, 4, 4)] * 6, offset=5.0))
    normalised = pool_moments([channel_moments(scan) for scan in stack]).normalise(stack)
    assert normalised.mean((0, 2, 3, 4)).tolist() == pytest.approx([0] * 4, abs=1e-12)
    assert normalised.std((0, 2, 3, 4), correction=0).tolist() == pytest.approx([1] * 4, abs=1e-12)


@given(st.lists(st.floats(-100, 100), min_size=4, max_size=4), st.lists(st.floats(0.01, 100), min_size=4, max_size=4))
def test_denormalise_undoes_normalise(mean, std):
    """Normalising and back restores the latent, with or without a batch axis."""
    statistics = ChannelStatistics(tuple(mean), tuple(std))
    latent = latents(1, [(3, 2, 2)])[0]
    restored = statistics.denormalise(statistics.normalise(latent))
    assert torch.allclose(restored, latent, atol=1e-9)
    assert torch.equal(statistics.normalise(latent[None])[0], statistics.normalise(latent))


def test_channels_are_kept_apart():
    """Each channel is shifted and divided by its own numbers."""
    statistics = ChannelStatistics((1.0, 10.0), (2.0, 5.0))
    assert statistics.normalise(torch.full((2, 1, 1, 1), 20.0)).flatten().tolist() == [9.5, 2.0]


@pytest.mark.parametrize(("mean", "std"), [(0.0, 0.0), (0.0, float("nan")), (float("inf"), 1.0), (0.0, -1.0)])
def test_useless_statistics_are_refused(mean, std):
    """A channel without spread or with non-finite numbers is an InputError that names the channel."""
    with pytest.raises(InputError, match="channel 1"):
        ChannelStatistics((0.0, mean), (1.0, std))


def test_no_scan_is_refused():
    """Statistics of nothing are an InputError."""
    with pytest.raises(InputError, match="no training scan"):
        pool_moments([])


@pytest.mark.parametrize("shape", [(3, 2, 2, 2), (2, 2, 2), (1, 3, 2, 2, 2)])
def test_wrong_channel_count_is_refused(shape):
    """Latents with other channels than the statistics are an InputError."""
    with pytest.raises(InputError, match="4 channels"):
        ChannelStatistics((0.0,) * 4, (1.0,) * 4).normalise(torch.zeros(shape))
