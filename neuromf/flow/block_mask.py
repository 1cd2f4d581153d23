"""Masks of the loss: blocks of latent cells that a sample's squared error leaves out (laws MASK-001, MASK-002)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuromf.flow.block_counts import block_grid, masked_blocks


def block_mask(shape: Sequence[int], block: int, masked: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weight of each cell in the loss: 0 in the blocks that are left out, all/kept blocks in the others.

    Each block is kept with the probability kept/all, so that the mean of the weight over the masks is 1 in every cell,
    also where the blocks differ in size. A factor of all/kept cells would give that only to blocks of one size.

    Args:
        shape: cells along each spatial axis.
        block: edge of a block, in cells.
        masked: numbers of the blocks that are left out, none twice, counted along the last axis first.

    Returns:
        Weights shaped like `shape`.
    """
    grid = block_grid(shape, block)
    blocks = math.prod(grid)
    weights = np.full(blocks, blocks / (blocks - len(masked)))
    weights[masked] = 0.0
    of_cells = weights.reshape(grid)
    for axis in range(len(grid)):
        of_cells = of_cells.repeat(block, axis)
    return of_cells[tuple(slice(cells) for cells in shape)]


def draw_block_mask(shape: Sequence[int], block: int, share: float, draws: np.random.Generator) -> NDArray[np.float64]:
    """The mask of one sample: as many blocks as the share asks for, every choice of them as likely as another.

    Args:
        shape: cells along each spatial axis.
        block: edge of a block, in cells.
        share: of the blocks that is left out, at least 0 and below 1.
        draws: the sample's own.
    """
    chosen = draws.permutation(math.prod(block_grid(shape, block)))[: masked_blocks(shape, block, share)]
    return block_mask(shape, block, chosen)
