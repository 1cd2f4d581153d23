"""Which autoencoder a configuration names, and which latents it should make."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf.config.own_code import Options
from neuromf.config.schema import LATENT_CHANNELS, LATENT_STRIDE, VaeConfig


@dataclass(frozen=True)
class VaeSource:
    """Where an autoencoder comes from.

    Attributes:
        checkpoint: "demo", a file, or "factory" where the callable brings the weights.
        factory: callable of the user's own that builds the network; None for MAISI's.
        options: its keyword arguments.
        latent_channels: channels that a latent should have.
        stride: voxels that a latent cell should span along each axis.
    """

    checkpoint: str
    factory: str | None = None
    options: Options = Options()  # noqa: RUF009 never changed
    latent_channels: int = LATENT_CHANNELS
    stride: int = LATENT_STRIDE

    def __str__(self) -> str:
        return self.checkpoint if self.factory is None else f"{self.factory} with {self.checkpoint}"


def vae_source(vae: VaeConfig, checkpoint: str | None = None) -> VaeSource:
    """The autoencoder of a configuration, from another place than it says where one is given."""
    return VaeSource(checkpoint or vae.checkpoint, vae.factory, vae.factory_options, vae.latent_channels, vae.stride)
