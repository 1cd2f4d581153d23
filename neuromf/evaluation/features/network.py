"""What a feature network is: volumes or slices in, a row of numbers each out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Preparation:
    """What a network expects.

    Attributes:
        size: voxels or pixels along each axis; None takes any.
        channels: that a grey image is repeated over.
        scale: "unit" for [0, 1], "signed" for [-1, 1], "standard" for mean 0 and deviation 1 over what is not black.
        spacing_mm: voxel that volumes are resampled to; None keeps theirs.
    """

    size: tuple[int, ...] | None = None
    channels: int = 1
    scale: str = "unit"
    spacing_mm: float | None = None

    def prepared(self, images: Tensor, spacing_mm: float) -> Tensor:
        """Images (B, 1, ...) in [0, 1] as the network wants them."""
        images = _resized(images, self._size(images, spacing_mm))
        if self.scale == "signed":
            images = 2 * images - 1
        elif self.scale == "standard":
            images = _standardised(images)
        return images.expand(-1, self.channels, *images.shape[2:])

    def _size(self, images: Tensor, spacing_mm: float) -> tuple[int, ...]:
        if self.size is not None:
            return self.size
        if self.spacing_mm is None:
            return tuple(images.shape[2:])
        return tuple(max(8, round(size * spacing_mm / self.spacing_mm)) for size in images.shape[2:])


@dataclass(frozen=True)
class FeatureNetwork:
    """A frozen network with what it expects.

    Attributes:
        name: of its file, or what ships.
        dims: 2 where it takes slices, 3 where it takes volumes.
        network: gives (B, F), or maps (B, F, ...) that are averaged.
        preparation: of its input.
        fingerprint: hash of its weights, by which kept features are known.
    """

    name: str
    dims: int
    network: nn.Module
    preparation: Preparation
    fingerprint: str

    @torch.no_grad()
    def __call__(self, images: Tensor, spacing_mm: float) -> Tensor:
        """Features (B, F), float32 on the CPU, of images (B, 1, ...) in [0, 1] with voxels of that size."""
        device = next((parameter.device for parameter in self.network.parameters()), torch.device("cpu"))
        maps: Tensor = self.network(self.preparation.prepared(images.to(device), spacing_mm))
        return maps.float().flatten(2).mean(2).cpu() if maps.ndim > 2 else maps.float().cpu()


def _resized(images: Tensor, size: tuple[int, ...]) -> Tensor:
    """Averages where pixels grow, linear between them where they shrink."""
    if tuple(images.shape[2:]) == size:
        return images
    if all(new <= old for new, old in zip(size, images.shape[2:], strict=True)):
        return functional.interpolate(images, size, mode="area")
    mode = "bilinear" if len(size) == 2 else "trilinear"
    return functional.interpolate(images, size, mode=mode, align_corners=False)


def _standardised(images: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over what is brighter than 0, as Med3D's own loader does."""
    inside = images > 0
    count = inside.flatten(1).sum(1).clamp(min=1)
    shape = (-1, *[1] * (images.ndim - 1))
    mean = ((images * inside).flatten(1).sum(1) / count).view(shape)
    spread = ((((images - mean) * inside) ** 2).flatten(1).sum(1) / count).sqrt().clamp(min=1e-6).view(shape)
    return (images - mean) / spread
