"""What a bundle runs without neuromf gives what neuromf gives: network, noise, times, steps, decoder."""

import json
from types import SimpleNamespace

import pytest
import torch
from monai.bundle import ConfigParser
from torch import nn

from neuromf.data.statistics import ChannelStatistics
from neuromf.export.bundle_config import inference_config
from neuromf.export.standalone import sampling as standalone
from neuromf.export.standalone.decoding import LatentDecoder
from neuromf.export.standalone.weights import with_weights
from neuromf.flow import sampling
from neuromf.nets.factory import build_net
from neuromf.nets.tiling import Tiling
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_architecture import build_vae
from neuromf.sampling.sampling import decode_with
from neuromf.training.records.previews import sampling_field, sampling_noise
from tests.support.tiny_run import make_tiny_config

VARIANTS = {
    "x from t and gap": ("meanflow.prediction=x",),
    "u from t and r": ("meanflow.prediction=u", "unet.conditioning=t_and_r", "unet.time_scale=7.5"),
    "the gap alone": ("unet.conditioning=gap",),
    "attention": ("unet.attention_levels=[false,true]", "unet.num_res_blocks=2"),
    "flash attention": ("unet.attention_levels=[true,true]", "unet.flash_attention=true"),
    "resampled in blocks": ("unet.resblock_updown=true", "unet.channels=[8,16,24]",
                            "unet.attention_levels=[false,false,true]"),
    "flow matching": ("time_sampling.data_proportion=1.0",),
    "more channels": ("vae.latent_channels=6",),
}  # fmt: skip
STATISTICS = ChannelStatistics((0.5, -1.0, 0.0, 2.0), (1.5, 0.25, 1.0, 3.0))


def described(config):
    """As much of a run as the configuration of a bundle needs."""
    description = SimpleNamespace(statistics=STATISTICS, scale_factor=0.5, affine=((1.0,) * 4,) * 4)
    store = SimpleNamespace(latent_shape=config.latent_shape, description=description)
    follows_flow = config.time_sampling.data_proportion == 1
    return SimpleNamespace(config=config, store=store, follows_flow=follows_flow, y_1K=None)


def network_of(config):
    """The network that MONAI builds by the configuration of a bundle."""
    made = json.dumps(inference_config(described(config), load_vae("demo").architecture))
    return ConfigParser(json.loads(made.replace('"scripts.', '"neuromf.export.standalone.'))).get_parsed_content(
        "network_def"
    )


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_the_network_of_a_bundle_is_the_velocity_of_a_run(variant):
    """For every prediction, conditioning and architecture, below t_min too, with the run's own names of weights."""
    config = make_tiny_config(*VARIANTS[variant])
    net = build_net(config, seed=0)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for parameter in net.parameters():
            nn.init.normal_(parameter, std=0.2)
    z = torch.randn((3, *config.latent_shape), generator=torch.Generator().manual_seed(0))
    t_B, r_B = torch.tensor([0.01, 0.4, 1.0]), torch.tensor([0.0, 0.3, 0.0])
    other = network_of(config)
    other.load_state_dict(net.state_dict(), strict=True)
    expected = sampling_field(net, config)(z, r_B, t_B)
    assert expected.std() > 0.01
    torch.testing.assert_close(other(z, r_B, t_B), expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_the_network_is_told_the_whole_interval_where_nothing_is_said():
    """From r = 0 to t = 1, so that one step takes noise alone."""
    network = network_of(make_tiny_config())
    nn.init.normal_(network.backbone.out[2].conv.weight, generator=torch.Generator().manual_seed(0))
    z = torch.randn((2, 4, 8, 8, 8), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network(z), network(z, torch.zeros(2), torch.ones(2)))


@pytest.mark.parametrize(("seed", "index"), [(0, 0), (0, 3), (2**63 - 1, 1)])
def test_the_noise_of_a_bundle_is_that_of_neuromf(seed, index):
    """To the last bit, by seed and index."""
    shape = (4, 3, 2, 5)
    assert torch.equal(standalone.sampling_noise(shape, seed, index), sampling_noise(shape, seed, index))


@pytest.mark.parametrize(("steps", "t_min"), [(1, 0.05), (2, 0.05), (7, 0.0), (50, 0.05)])
def test_the_steps_of_a_bundle_are_those_of_neuromf(steps, t_min):
    """The same times, also where equal steps would go below t_min, and the same sum."""

    def velocity(z, r_B, t_B):
        return z.sin() * (1 + t_B - 2 * r_B).reshape(-1, 1, 1, 1, 1)

    noise = torch.randn((2, 1, 2, 2, 2), generator=torch.Generator().manual_seed(0))
    assert standalone.time_grid(steps, t_min) == sampling.time_grid(steps, t_min)
    assert torch.equal(standalone.sample(velocity, noise, steps, t_min), sampling.sample(velocity, noise, steps, t_min))


def test_a_bundle_refuses_no_steps():
    """As neuromf does."""
    with pytest.raises(ValueError, match="at least 1"):
        standalone.sample(lambda z, r, t: z, torch.zeros(1, 1, 1, 1, 1), 0, 0.0)


@pytest.mark.parametrize("tiling", [Tiling(), Tiling(num_splits=2), Tiling(tile_voxels=32, overlap=0.25)], ids=str)
def test_the_decoder_of_a_bundle_is_that_of_neuromf(tiling):
    """Statistics, scale factor, splits, tiles, and the ends 0 and 1."""
    codec = load_vae("demo").tiled(tiling)
    config = make_tiny_config(f"vae.num_splits={tiling.num_splits}", f"vae.tile_voxels={tiling.tile_voxels or 'null'}")
    latents = 2 * torch.randn((1, 4, 8, 8, 12), generator=torch.Generator().manual_seed(0))
    made = inference_config(described(config), codec.architecture)
    network = build_vae(codec.architecture)
    network.load_state_dict(codec.network.state_dict())
    for module in network.modules():
        if hasattr(module, "num_splits"):
            module.num_splits = made["autoencoder_def"]["num_splits"]
    told = {key: value for key, value in made["decoder"].items() if key not in ("_target_", "autoencoder")}
    decoder = LatentDecoder(network, **told | {"scale_factor": codec.scale_factor})
    (expected,) = decode_with(codec, STATISTICS, latents)
    assert expected.min() == 0
    torch.testing.assert_close(decoder(latents)[0, 0].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_weights_must_fit_to_the_last_name(tmp_path):
    """A file of another network is an error, not a network of random weights."""
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2, 2)}, tmp_path / "w.safetensors")
    with pytest.raises(RuntimeError, match="Missing key"):
        with_weights(nn.Linear(2, 2), str(tmp_path / "w.safetensors"), "cpu")
