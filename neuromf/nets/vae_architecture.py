"""The MAISI autoencoder's architecture, and the untrained MONAI network of it."""

from __future__ import annotations

from dataclasses import dataclass

from monai.apps.generation.maisi.networks.autoencoderkl_maisi import AutoencoderKlMaisi
from torch import nn


@dataclass(frozen=True)
class VaeArchitecture:
    """What decides the shapes of the autoencoder's tensors.

    Attributes:
        num_channels: width of each resolution level; each level after the first halves every axis.
        num_res_blocks: residual blocks of each level.
        norm_num_groups: groups of every group normalisation.
        latent_channels: channels of a latent.
    """

    num_channels: tuple[int, ...]
    num_res_blocks: tuple[int, ...]
    norm_num_groups: int
    latent_channels: int = 4

    @property
    def stride(self) -> int:
        """Voxels a latent cell spans along each axis."""
        return int(2 ** (len(self.num_channels) - 1))


def build_vae(architecture: VaeArchitecture) -> nn.Module:
    """Make the untrained MONAI network; its `encode` gives (mean, sigma), its `decode` an image."""
    network: nn.Module = AutoencoderKlMaisi(
        spatial_dims=3,
        in_channels=1,
        out_channels=1,
        num_channels=list(architecture.num_channels),
        num_res_blocks=list(architecture.num_res_blocks),
        attention_levels=[False] * len(architecture.num_channels),
        latent_channels=architecture.latent_channels,
        norm_num_groups=architecture.norm_num_groups,
        num_splits=1,
        dim_split=1,
        norm_float16=False,
        save_mem=False,
    )
    return network
