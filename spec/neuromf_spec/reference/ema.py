"""Exponential moving average of weights as one weighted sum (law EMA-001)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def average(start: Array, weights: Sequence[Array], decay: float) -> Array:
    r"""Average after all steps: :math:`\beta^n \theta_0 + (1-\beta) \sum_k \beta^{n-k} \theta_k`.

    Args:
        start: weights before the first step, theta_0.
        weights: weights after each step, theta_1 .. theta_n.
        decay: beta.
    """
    count = len(weights)
    result = decay**count * start
    for index, present in enumerate(weights):
        result = result + (1 - decay) * decay ** (count - 1 - index) * present
    return result
