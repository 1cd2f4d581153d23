"""The network of a configuration: MONAI's U-Net, or one that the user's own code builds."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import nn

from neuromf.config.covariates import covariate_width
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.nets.unet import MeanFlowUnet, build_unet
from neuromf.own_code import OwnCode, call, own_code

KEY = "unet.factory"
PROTOCOL = "return a torch.nn.Module whose forward(z, r, t) gives a tensor shaped like z"


def build_net(config: Config, seed: int | None = None) -> nn.Module:
    """Build the network with weights that are a function of the seed, leaving the global generator as it was.

    Args:
        config: which network, and the shape of its latents.
        seed: of the weights; the run's own when None.

    Raises:
        InputError: the user's code cannot be called, or what it returns is no network.
    """
    unet, seed = config.unet, config.training.seed if seed is None else seed
    factory = unet.factory
    if factory is None:
        head, kept = config.meanflow.tangent == "v_head", config.training.activation_checkpointing
        channels = config.vae.latent_channels
        told = covariate_width(config.covariates.columns)
        return build_unet(unet, v_head=head, seed=seed, channels=channels, checkpointing=kept, covariates=told)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = call(factory, KEY, config.latent_shape, options=unet.factory_options)
    if not isinstance(net, nn.Module):
        problem = f"{factory} returns a {type(net).__name__}, which is no torch.nn.Module"
        raise InputError(problem, remedy=PROTOCOL, key=KEY)
    return net


def parameter_count(config: Config) -> int:
    """Numbers that the network holds as parameters.

    Raises:
        InputError: as `build_net`.
    """
    # A network of the user's own is made as it is, for its code need not know of tensors without memory.
    with torch.device("meta") if config.unet.factory is None else nullcontext():
        net = build_net(config, seed=0)
    return sum(parameter.numel() for parameter in net.parameters())


def blocks_of(net: nn.Module) -> dict[str, nn.Module]:
    """The parts whose gradients are watched one by one; of an own network its children."""
    return net.blocks() if isinstance(net, MeanFlowUnet) else dict(net.named_children()) or {"network": net}


def network_code(config: Config) -> OwnCode | None:
    """What a run keeps of the code that built its network; None where that is ours.

    Raises:
        InputError: the code cannot be called.
    """
    factory = config.unet.factory
    if factory is None:
        return None
    classes = {type(module) for module in build_net(config).modules()}
    return own_code(factory, KEY, sorted(classes, key=repr))
