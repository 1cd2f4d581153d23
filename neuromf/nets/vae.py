"""The frozen MAISI autoencoder between scans and latents; the scale factor is applied here, both ways, nowhere else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from neuromf.errors import InputError
from neuromf.nets.own_vae import OwnArchitecture, build_own
from neuromf.nets.tiling import WHOLE, Tiling, in_memory
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae
from neuromf.nets.vae_checkpoint import DEMO_WEIGHTS, read_checkpoint
from neuromf.nets.vae_source import VaeSource


class LatentCodec:
    """Scans to latents and back, with one frozen network and one scale factor.

    Args:
        network: a trained network of `architecture`; it is frozen, set to evaluation mode and made float32.
        architecture: its architecture.
        scale_factor: what a latent is multiplied by after encoding and divided by before decoding.
        tiling: in which parts scans and latents go through the network.
        scale_known: whether the scale factor is the autoencoder's own, and not MAISI's in want of one.
    """

    def __init__(
        self,
        network: nn.Module,
        architecture: VaeArchitecture | OwnArchitecture,
        scale_factor: float,
        tiling: Tiling = WHOLE,
        *,
        scale_known: bool = True,
    ) -> None:
        self._network = network.float().eval().requires_grad_(False)
        self.architecture = architecture
        self.scale_factor = scale_factor
        self.tiling = tiling
        self.scale_known = scale_known

    def tiled(self, tiling: Tiling) -> LatentCodec:
        """The same network, which takes scans and latents in other parts."""
        if tiling == self.tiling:
            return self
        known = self.scale_known
        return LatentCodec(self._network, self.architecture, self.scale_factor, tiling, scale_known=known)

    @torch.no_grad()
    def encode(self, volumes: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode scans.

        Args:
            volumes: (B, 1, D, H, W) in [0, 1]; each axis a multiple of the stride.
            generator: if given, draw from the posterior with it; by default its mean is taken.

        Returns:
            Scaled latents, float32, (B, C, D/stride, H/stride, W/stride).

        Raises:
            InputError: if the shape does not fit.
        """
        stride = self.architecture.stride
        if volumes.ndim != 5 or volumes.shape[1] != 1 or any(size % stride or not size for size in volumes.shape[2:]):
            remedy = f"give (B, 1, D, H, W) with D, H and W multiples of {stride}"
            raise InputError(f"volumes of shape {tuple(volumes.shape)} cannot be encoded", remedy=remedy, key="shape")
        with in_memory(self._network, self.tiling):
            mean, sigma = self.tiling.apply(self._network.encode, volumes.float().to(self.device), 1)
        latents: Tensor = mean
        if generator is not None:
            noise = torch.randn(mean.shape, generator=generator, device=generator.device)
            latents = mean + sigma * noise.to(mean.device)
        return latents * self.scale_factor

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Decode scaled latents (B, C, d, h, w) into float32 volumes (B, 1, D, H, W).

        Raises:
            InputError: if the shape does not fit.
        """
        channels = self.architecture.latent_channels
        if latents.ndim != 5 or latents.shape[1] != channels:
            remedy = f"give (B, {channels}, d, h, w)"
            raise InputError(f"latents of shape {tuple(latents.shape)} cannot be decoded", remedy=remedy, key="shape")
        with in_memory(self._network, self.tiling):
            scaled = latents.float().to(self.device) / self.scale_factor
            volumes: Tensor = self.tiling.apply(self._network.decode, scaled, self.architecture.stride)
        return volumes

    @property
    def network(self) -> nn.Module:
        """The network itself, frozen."""
        return self._network

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return next(self._network.parameters()).device

    def to(self, device: torch.device | str) -> LatentCodec:
        """Move the network to a device; returns itself."""
        self._network.to(device)
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal sha256 of architecture, scale factor and weights: equal codecs give equal latents."""
        facts = asdict(self.architecture) | {"scale_factor": self.scale_factor}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for name, tensor in sorted(self._network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def load_vae(source: str | Path | VaeSource) -> LatentCodec:
    """Load an autoencoder: the frozen codec, on the CPU.

    Args:
        source: "demo" for the weights that ship with neuromf, or a file: neuromf's own safetensors or MAISI's
            `autoencoder_v2.pt`; or what a configuration says of it, which the autoencoder's latents must then keep to.

    Raises:
        InputError: if the file is missing, damaged, of another layout or holds non-finite weights, or if the latents
            are of other channels or another stride.
    """
    if isinstance(source, VaeSource) and source.factory is not None:
        own, shape = build_own(source)
        return LatentCodec(own, shape, 1.0, scale_known=False)
    path = DEMO_WEIGHTS if str(source) == "demo" else Path(str(source))
    checkpoint = read_checkpoint(path)
    network = build_vae(checkpoint.architecture)
    network.load_state_dict(checkpoint.tensors, strict=True)
    if isinstance(source, VaeSource):
        _refuse_others(checkpoint.architecture, source)
    return LatentCodec(network, checkpoint.architecture, checkpoint.scale_factor, scale_known=checkpoint.scale_known)


def _refuse_others(made: VaeArchitecture, wanted: VaeSource) -> None:
    if (made.latent_channels, made.stride) != (wanted.latent_channels, wanted.stride):
        problem = f"makes {made.latent_channels} channels at stride {made.stride}, not "
        remedy = f"set vae.latent_channels={made.latent_channels} and vae.stride={made.stride}"
        problem += f"{wanted.latent_channels} at {wanted.stride}"
        raise InputError(problem, remedy=remedy, file=wanted.checkpoint)
