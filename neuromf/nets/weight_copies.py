"""How many copies of a network's weights a training holds, and how many a checkpoint has."""

from __future__ import annotations

from neuromf.config.schema import Config

FLOAT = 4
"""Bytes of a float32."""
MOMENTS = 2
"""Of each weight, Adam's."""
FORMER = 1
"""Copy of the weights before a step, by which its size is recorded; it is not saved."""


def saved_copies(config: Config) -> int:
    """Copies in a checkpoint: the weights, Adam's moments of them, their average where one is kept."""
    return 1 + MOMENTS + (config.ema.decay is not None)
