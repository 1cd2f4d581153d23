"""Counter-based random draws: each is a pure function of (seed, purpose, step, sample).

A run therefore does not depend on how it was cut into micro-batches, ranks or restarts, and there is no generator
state to save. Philox (Salmon et al., SC'11) gives every (step, sample) its own 2^128 draws.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


class Purpose(IntEnum):
    """What a draw is for; one stream each. The numbers are part of the format of a run."""

    ORDER = 0
    TIMES = 1
    NOISE = 2
    SAMPLING = 3
    AUGMENTATION = 4
    HELD_OUT = 5
    HELD_OUT_CHOICE = 6
    COVARIATES = 7
    MASK = 8


def generator(seed: int, purpose: Purpose, step: int, sample: int) -> np.random.Generator:
    """Generator whose draws depend on the arguments alone."""
    return np.random.Generator(np.random.Philox(key=[seed, int(purpose)], counter=[0, 0, sample, step]))


@lru_cache(maxsize=4)
def _order(seed: int, turn: int, size: int) -> NDArray[np.int64]:
    return generator(seed, Purpose.ORDER, turn, 0).permutation(size)


def data_index(seed: int, position: int, size: int) -> int:
    """Index of the datum at `position` of the run's stream: a fresh permutation of the `size` data each turn."""
    turn, offset = divmod(position, size)
    return int(_order(seed, turn, size)[offset])
