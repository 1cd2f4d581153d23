"""How many blocks a grid of latent cells has, and how many of them a sample's loss leaves out; without numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence


def block_grid(shape: Sequence[int], block: int) -> tuple[int, ...]:
    """Blocks along each spatial axis; the last of an axis is smaller where `block` does not divide its cells.

    Args:
        shape: cells along each spatial axis.
        block: edge of a block, in cells.
    """
    return tuple(-(-cells // block) for cells in shape)


def masked_blocks(shape: Sequence[int], block: int, share: float) -> int:
    """Blocks that are left out: the share of all, rounded to the nearest (a half to even), but one stays at least.

    Args:
        shape: cells along each spatial axis.
        block: edge of a block, in cells.
        share: of the blocks, at least 0 and below 1.
    """
    blocks = math.prod(block_grid(shape, block))
    return min(round(share * blocks), blocks - 1)
