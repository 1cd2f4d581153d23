"""From normalised latents to volumes, by MAISI's autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.inferers.utils import sliding_window_inference
from torch import Tensor, nn


class LatentDecoder(nn.Module):
    """The statistics of the training latents, the scale factor, and the autoencoder.

    Args:
        autoencoder: with `decode`.
        mean: of each channel of the training latents.
        std: likewise.
        scale_factor: that the latents carry, and the autoencoder's own do not.
        tile: edge in latent cells of the cubes that are decoded one at a time; None for the whole at once.
        overlap: share of a cube's edge that it has in common with the next.
        half_norms: let group norms give float16 on a GPU, which takes half of the memory.
    """

    def __init__(
        self,
        autoencoder: Any,  # noqa: ANN401 - MONAI's modules have no types
        *,
        mean: Sequence[float],
        std: Sequence[float],
        scale_factor: float,
        tile: int | None = None,
        overlap: float = 0.25,
        half_norms: bool = False,
    ) -> None:
        super().__init__()
        self.autoencoder, self.scale_factor = autoencoder, scale_factor
        self.tile, self.overlap, self.half_norms = tile, overlap, half_norms
        self.register_buffer("moments", torch.tensor([list(mean), list(std)])[:, :, None, None, None], persistent=False)

    def denormalise(self, normalised: Tensor) -> Tensor:
        """Latents (B, C, D, H, W) of normalised ones; they carry the scale factor."""
        mean, std = self.get_buffer("moments")
        latents: Tensor = normalised * std + mean
        return latents

    @torch.no_grad()
    def forward(self, normalised: Tensor) -> Tensor:
        """Volumes (B, 1, D, H, W) in [0, 1] of normalised latents (B, C, d, h, w)."""
        scaled = self.denormalise(normalised) / self.scale_factor
        half = self.half_norms and scaled.device.type == "cuda"
        for module in self.autoencoder.modules():
            if hasattr(module, "norm_float16"):
                setattr(module, "norm_float16", half)  # noqa: B010 a plain flag, which a module has no type for
        with torch.autocast(scaled.device.type, torch.float16, enabled=half):
            if self.tile is None:
                volumes = self.autoencoder.decode(scaled)
            else:
                edge, decode = (self.tile,) * 3, self.autoencoder.decode
                volumes = sliding_window_inference(scaled, edge, 1, decode, overlap=self.overlap, mode="gaussian")
        clamped: Tensor = volumes.float().clamp(0, 1)
        return clamped
