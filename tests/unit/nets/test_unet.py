"""The U-Net around MONAI's blocks: what is recomputed, its second head, and where its weights come from."""

import pytest
import torch
from torch.nn import functional

from neuromf.nets.factory import build_net
from neuromf.nets.unet import build_unet
from tests.support.law_strategies import TINY_UNET, randomised_unet
from tests.support.tiny_run import make_tiny_config

Z = torch.randn(2, 4, 4, 4, 4, generator=torch.Generator().manual_seed(0))
R, T = torch.tensor([0.1, 0.4]), torch.tensor([0.5, 0.9])


def evaluated(checkpointing, *, grad):
    """Output, gradient of its sum of squares by name, and how often a layer in the middle was evaluated."""
    net, calls = randomised_unet(0), []
    net.checkpointing = checkpointing
    net.backbone.middle_block.resnet_1.register_forward_hook(lambda *_: calls.append(1))
    with torch.set_grad_enabled(grad):
        output = net(Z, R, T).prediction
    if grad:
        output.square().sum().backward()
    return output.detach(), {name: weight.grad for name, weight in net.named_parameters()}, len(calls)


@pytest.mark.parametrize("mode", ["reentrant", "non_reentrant"])
def test_checkpointing_recomputes_a_layer_and_changes_no_number(mode):
    """A layer is evaluated twice where a backward pass follows, once where none does; nothing else is different."""
    plain, gradients, calls = evaluated("none", grad=True)
    assert calls == 1
    found, recomputed, twice = evaluated(mode, grad=True)
    assert twice == 2
    torch.testing.assert_close(found, plain)
    torch.testing.assert_close(recomputed, gradients)
    assert evaluated(mode, grad=False)[2] == 1


@pytest.mark.parametrize("channels", [1, 6])
def test_the_network_has_the_channels_of_its_latents(channels):
    """An autoencoder of other channels needs no network of the user's own; both heads have its latents' shape."""
    config = make_tiny_config(f"vae.latent_channels={channels}", "meanflow.tangent=v_head", "meanflow.prediction=u")
    z = torch.zeros(2, *config.latent_shape)
    made = build_net(config)(z, torch.zeros(2), torch.ones(2))
    assert z.shape[1] == channels
    assert made.prediction.shape == made.v_head.shape == z.shape


def test_the_second_head_is_a_convolution_that_starts_at_zero():
    """Group norm with the net's groups, SiLU, a 3 x 3 x 3 convolution to the latent's shape, of weights that are 0."""
    assert build_unet(TINY_UNET, v_head=True, seed=0)(Z, R, T).v_head.eq(0).all()
    net, features = randomised_unet(0, v_head=True), []
    net.backbone.out.register_forward_hook(lambda _, inputs, __: features.append(inputs[0]))
    norm, _, convolution = net.velocity_head
    with torch.no_grad():
        torch.nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
        found = net(Z, R, T).v_head
        normed = functional.group_norm(features[0], TINY_UNET.norm_num_groups, norm.weight, norm.bias, eps=1e-6)
        expected = functional.conv3d(functional.silu(normed), convolution.weight, convolution.bias, padding=1)
    assert found.shape == Z.shape
    assert convolution.kernel_size == (3, 3, 3)
    torch.testing.assert_close(found, expected)


def test_weights_are_the_seeds_alone():
    """The same seed gives the same weights, another others, and torch's own generator stays where it was."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (build_unet(TINY_UNET, v_head=True, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first["backbone.conv_in.conv.weight"], other["backbone.conv_in.conv.weight"])
