"""The feature network that ships: a convolution network whose weights are random numbers of a fixed seed."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from neuromf.evaluation.features.network import FeatureNetwork, Preparation

WIDTHS = (8, 16, 32, 64)
"""Maps of the levels; each halves the volume."""
SPACING_MM = 3.0
"""Voxel that it sees volumes at: the demo cohort's own."""
SEED = 20260
VERSION = b"1"
"""Of what is made of the maps; kept features of another are made anew."""


class RandomFeatures(nn.Module):
    """Four strided convolutions with rectifiers; the mean of each map of the last two levels, of volumes its deviation.

    Of slices there are nine to a volume, and the cost of a Frechet distance grows with the cube of the features.
    Means over a whole map do not say where something is: beside the image stand the image times each coordinate.
    """

    def __init__(self, dims: int) -> None:
        super().__init__()
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
        levels = [convolution(before, after, 3, stride=2, padding=1) for before, after in pairwise((1 + dims, *WIDTHS))]
        generator = np.random.Generator(np.random.Philox(SEED + dims))
        for level in levels:
            shape = tuple(level.weight.shape)
            drawn = generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
            level.weight.data = torch.from_numpy(drawn.astype(np.float32))
            nn.init.zeros_(level.bias) if level.bias is not None else None
        self.levels = nn.ModuleList(levels)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, ...) to (B, 192), of slices (B, 96)."""
        found, images = [], _with_places(images)
        for place, level in enumerate(self.levels):
            images = torch.relu(level(images))
            if place >= len(WIDTHS) - 2:
                flat = images.flatten(2)
                found += [flat.mean(2), flat.std(2)] if images.ndim == 5 else [flat.mean(2)]
        return torch.cat(found, 1)


def _with_places(images: Tensor) -> Tensor:
    """(B, 1, ...) to (B, 1 + dims, ...): the image, then its product with each coordinate from -1 to 1."""
    axes = (torch.linspace(-1, 1, size, device=images.device) for size in images.shape[2:])
    return torch.cat([images, *(images * axis for axis in torch.meshgrid(*axes, indexing="ij"))], 1)


def demo_network(dims: int) -> FeatureNetwork:
    """The network for slices (2) or volumes (3)."""
    network = RandomFeatures(dims).eval().requires_grad_(False)
    digest = hashlib.sha256(VERSION)
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    preparation = Preparation(spacing_mm=SPACING_MM)
    return FeatureNetwork("demo", dims, network, preparation, digest.hexdigest())
