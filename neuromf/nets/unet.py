"""MONAI's diffusion UNet, conditioned on both times and with an optional second head."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, Literal, cast

import torch
from monai.networks.nets import DiffusionModelUNet
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from neuromf.config.schema import LATENT_CHANNELS, UnetConfig
from neuromf.flow.network import NetOutput
from neuromf.nets.embedding import CovariateEmbedding, TimeEmbedding

Checkpointing = Literal["none", "reentrant", "non_reentrant"]
TOLD = {
    "t_and_gap": ("embed_time", "embed_interval"),
    "t_and_r": ("embed_time", "embed_start"),
    "gap": ("embed_interval",),
}
"""Embeddings of the network, by what it is conditioned on, in the order in which their weights are drawn."""


class MeanFlowUnet(nn.Module):
    """Network (z, r, t) -> prediction, and a velocity when it has a v-head.

    Conditioned on t and t - r, on t and r, or on t - r alone, each through its own embedding. The output convolution
    starts at zero, as MONAI makes it: tests of the derivative must randomise it, or they compare zero with zero.

    Args:
        settings: widths, attention, time scale and which times it is conditioned on.
        channels: of a latent.
        v_head: add a second output head (tangent `v_head`).
        checkpointing: recompute each layer in the backward pass instead of keeping its activations.
        covariates: numbers that a sample's covariates are encoded as, K; 0 where it is told of none.
    """

    def __init__(
        self,
        settings: UnetConfig,
        *,
        channels: int = LATENT_CHANNELS,
        v_head: bool = False,
        checkpointing: Checkpointing = "none",
        covariates: int = 0,
    ) -> None:
        super().__init__()
        self.checkpointing = checkpointing
        width = settings.channels[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MONAI's own deprecation notices are not the user's business
            self.backbone = DiffusionModelUNet(
                spatial_dims=3,
                in_channels=channels,
                out_channels=channels,
                channels=settings.channels,
                attention_levels=settings.attention_levels,
                num_head_channels=settings.head_channels,
                num_res_blocks=settings.num_res_blocks,
                norm_num_groups=settings.norm_num_groups,
                resblock_updown=settings.resblock_updown,
                use_flash_attention=settings.flash_attention,
            )
        del self.backbone.time_embed  # replaced by the embeddings below
        self.told = TOLD[settings.conditioning]
        for name in self.told:
            embedding = TimeEmbedding(width, 4 * width, settings.time_scale, settings.embedding_precision)
            self.add_module(name, embedding)
        self.velocity_head = _zero_head(width, settings.norm_num_groups, channels) if v_head else None
        self.inputs = covariates
        # The last to be drawn, so that the others begin as they do without it.
        self.embed_covariates = CovariateEmbedding(covariates, 4 * width) if covariates else None

    def forward(self, z: Tensor, r_B: Tensor, t_B: Tensor, y_BK: Tensor | None = None) -> NetOutput:
        """Evaluate the network.

        Args:
            z: points (B, channels, D, H, W).
            r_B: start of the averaging interval.
            t_B: time of the points.
            y_BK: covariates of the samples, zeros where nothing is known; None tells it nothing of any.
        """
        embedding = self._embedding(r_B, t_B)
        if self.embed_covariates is not None:
            known = z.new_zeros((z.shape[0], self.inputs)) if y_BK is None else y_BK
            embedding = embedding + self.embed_covariates(known)
        features = self._features(z, embedding)
        head = None if self.velocity_head is None else self.velocity_head(features)
        return NetOutput(self.backbone.out(features), head)

    def blocks(self) -> dict[str, nn.Module]:
        """The parts whose gradients are watched one by one, from input to output."""
        backbone = self.backbone
        named: dict[str, nn.Module] = {"conv_in": backbone.conv_in}
        named |= {name: self.get_submodule(name) for name in self.told}
        named |= {f"down_block_{i}": block for i, block in enumerate(backbone.down_blocks)}
        named["middle_block"] = backbone.middle_block
        named |= {f"up_block_{i}": block for i, block in enumerate(backbone.up_blocks)}
        named["out"] = backbone.out
        if self.velocity_head is not None:
            named["v_out"] = self.velocity_head
        if self.embed_covariates is not None:
            named["embed_covariates"] = self.embed_covariates
        return named

    def _embedding(self, r_B: Tensor, t_B: Tensor) -> Tensor:
        """Sum of the embeddings of the times that the network is told."""
        times = {"embed_time": t_B, "embed_interval": t_B - r_B, "embed_start": r_B}
        parts: list[Tensor] = [self.get_submodule(name)(times[name]) for name in self.told]
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def _features(self, z: Tensor, embedding: Tensor) -> Tensor:
        hidden: Tensor = self.backbone.conv_in(z)
        skips = [hidden]
        for block in cast("Iterable[Any]", self.backbone.down_blocks):
            for resnet, attention in _layers(block):
                hidden = self._run(resnet, attention, hidden, embedding)
                skips.append(hidden)
            if block.downsampler is not None:
                hidden = self._run(block.downsampler, None, hidden, embedding)
                skips.append(hidden)
        middle: Any = self.backbone.middle_block
        hidden = self._run(middle.resnet_1, middle.attention, hidden, embedding)
        hidden = self._run(middle.resnet_2, None, hidden, embedding)
        for block in cast("Iterable[Any]", self.backbone.up_blocks):
            for resnet, attention in _layers(block):
                hidden = self._run(resnet, attention, hidden, embedding, skips.pop())
            if block.upsampler is not None:
                hidden = self._run(block.upsampler, None, hidden, embedding)
        return hidden

    def _run(self, module: nn.Module, attention: nn.Module | None, *tensors: Tensor) -> Tensor:
        """One layer; without gradient there is nothing to keep, and a derivative must not meet a checkpoint."""
        if self.checkpointing == "none" or not torch.is_grad_enabled():
            return _layer(module, attention, *tensors)
        reentrant = self.checkpointing == "reentrant"
        result: Tensor = checkpoint(_layer, module, attention, *tensors, use_reentrant=reentrant)
        return result


def _layers(block: nn.Module) -> list[tuple[nn.Module, nn.Module | None]]:
    """The residual blocks of a level, each with the attention behind it if the level attends."""
    level: Any = block  # of one of four MONAI classes
    attentions = getattr(block, "attentions", None) or [None] * len(level.resnets)
    return list(zip(level.resnets, attentions, strict=True))


def _layer(
    module: nn.Module, attention: nn.Module | None, hidden: Tensor, embedding: Tensor, skip: Tensor | None = None
) -> Tensor:
    """Join the skip connection, apply the module, attend: the joined tensor is not kept for the backward pass."""
    result: Tensor = module(hidden if skip is None else torch.cat([hidden, skip], dim=1), embedding)
    return result if attention is None else attention(result).contiguous()


def _zero_head(width: int, groups: int, channels: int) -> nn.Sequential:
    convolution = nn.Conv3d(width, channels, kernel_size=3, padding=1)
    nn.init.zeros_(convolution.weight)
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return nn.Sequential(nn.GroupNorm(groups, width, eps=1e-6), nn.SiLU(), convolution)


def build_unet(
    settings: UnetConfig,
    *,
    v_head: bool,
    seed: int,
    channels: int = LATENT_CHANNELS,
    checkpointing: Checkpointing = "none",
    covariates: int = 0,
) -> MeanFlowUnet:
    """Build the network with weights that are a function of `seed` alone, leaving the global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MeanFlowUnet(
            settings, channels=channels, v_head=v_head, checkpointing=checkpointing, covariates=covariates
        )
