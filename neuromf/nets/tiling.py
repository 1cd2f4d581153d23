"""Scans and latents in parts through the autoencoder, where a whole one does not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neuromf.errors import InputError

FLOAT16_DEVICES = ("cuda",)
"""Kinds of devices that multiply float16 at least as fast as float32."""


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
        norm_float16: let MAISI's group norms give float16. On a GPU everything between two norms is float16 then, as
            in MAISI's own scripts, which takes half of the memory. On a CPU, which multiplies float16 ten times slower,
            only the norms' results are rounded.
    """

    num_splits: int = 1
    tile_voxels: int | None = None
    overlap: float = 0.25
    norm_float16: bool = False

    def apply(self, action: Any, values: Tensor, cell: int) -> Any:  # noqa: ANN401
        """What `action`, one of the network's methods, gives for `values`, in float32.

        Args:
            action: of (B, C, D, H, W).
            values: the same.
            cell: voxels that one of the values spans along each axis.
        """
        if self.tile_voxels is None:
            return _float32(action(values))
        from monai.inferers.utils import sliding_window_inference  # seconds to import

        def part(tile: Tensor) -> Any:  # noqa: ANN401
            return _float32(action(tile))

        edge = self.tile_voxels // cell
        return sliding_window_inference(values, (edge,) * 3, 1, part, overlap=self.overlap, mode="gaussian")


WHOLE = Tiling()
"""All at once."""


@contextmanager
def in_memory(network: nn.Module, tiling: Tiling) -> Iterator[None]:
    """Let the network take as little memory as it should; a GPU whose memory runs out in the block is told of.

    Raises:
        InputError: it ran out.
    """
    splits = [module for module in network.modules() if hasattr(module, "num_splits")]
    for module in splits:
        setattr(module, "num_splits", tiling.num_splits)  # noqa: B010 a plain number, which a module has no type for
    try:
        with _norms(network, float16=tiling.norm_float16):
            yield
    except torch.OutOfMemoryError as error:
        problem = "the GPU's memory is too small for this autoencoder and data.shape"
        raise OutOfMemoryError(problem, remedy=_less(tiling, maisi=bool(splits)), key="vae") from error


@contextmanager
def _norms(network: nn.Module, *, float16: bool) -> Iterator[None]:
    """The number type of what MAISI's group norms give, and on a GPU of what lies between them."""
    norms = [module for module in network.modules() if hasattr(module, "norm_float16")]
    for module in norms:
        setattr(module, "norm_float16", float16)  # noqa: B010 a plain flag, which a module has no type for
    device = next(network.parameters()).device.type
    between = float16 and device in FLOAT16_DEVICES
    hooks = [module.register_forward_hook(_rounded) for module in norms if float16 and not between]
    try:
        with torch.autocast(device, torch.float16, enabled=between):
            yield
    finally:
        for hook in hooks:
            hook.remove()


def _rounded(module: nn.Module, given: object, made: Tensor) -> Tensor:
    """What a norm gave, as a float32 convolution takes it."""
    return made.float()


def _float32(made: Any) -> Any:  # noqa: ANN401
    return tuple(part.float() for part in made) if isinstance(made, tuple) else made.float()


def _less(tiling: Tiling, *, maisi: bool) -> str:
    """What takes less memory than `tiling` does; only MAISI's network has splits and float16 norms."""
    tiles = "vae.tile_voxels=96 (much less memory)"
    if not maisi:
        return f"set {tiles}"
    half = "" if tiling.norm_float16 else "vae.norm_float16=true (half of the memory), "
    return f"set vae.num_splits={2 * tiling.num_splits} (the same latents), {half}or {tiles}"


class OutOfMemoryError(InputError):
    """The autoencoder does not fit; no scan is to blame."""
