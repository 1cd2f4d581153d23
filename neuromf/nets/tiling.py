"""Scans and latents in parts through the autoencoder, where a whole one does not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neuromf.errors import InputError


@dataclass(frozen=True)
class Tiling:
    """In which parts.

    Attributes:
        num_splits: parts in which each convolution takes its map, along the second axis; the whole's result up to
            rounding, for the parts overlap by more than a kernel reaches.
        tile_voxels: edge of the cubes that go through the whole network one at a time, a multiple of 16; None for none.
            Each cube has group norms of its own, so that the result is another than the whole scan's.
        overlap: share of a cube's edge that it has in common with the next; where they overlap, what lies nearer to a
            cube's middle counts more (a Gaussian of an eighth of the edge).
    """

    num_splits: int = 1
    tile_voxels: int | None = None
    overlap: float = 0.25

    def apply(self, action: Any, values: Tensor, cell: int) -> Any:  # noqa: ANN401
        """What `action`, one of the network's methods, gives for `values`.

        Args:
            action: of (B, C, D, H, W).
            values: the same.
            cell: voxels that one of the values spans along each axis.
        """
        if self.tile_voxels is None:
            return action(values)
        from monai.inferers.utils import sliding_window_inference  # seconds to import

        edge = self.tile_voxels // cell
        return sliding_window_inference(values, (edge,) * 3, 1, action, overlap=self.overlap, mode="gaussian")


WHOLE = Tiling()
"""All at once."""


@contextmanager
def in_memory(network: nn.Module, tiling: Tiling) -> Iterator[None]:
    """Let the network's convolutions split as they should; a GPU whose memory runs out in the block is told of.

    Raises:
        InputError: it ran out.
    """
    for module in network.modules():
        if hasattr(module, "num_splits"):
            setattr(module, "num_splits", tiling.num_splits)  # noqa: B010 a plain number, which a module has no type for
    try:
        yield
    except torch.OutOfMemoryError as error:
        problem = "the GPU's memory is too small for this autoencoder and data.shape"
        remedy = (
            f"set vae.num_splits={2 * tiling.num_splits} (the same latents), or vae.tile_voxels=96 (much less memory)"
        )
        raise OutOfMemoryError(problem, remedy=remedy, key="vae.num_splits") from error


class OutOfMemoryError(InputError):
    """The autoencoder does not fit; no scan is to blame."""
