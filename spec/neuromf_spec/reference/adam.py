"""AdamW, written from the paper one scalar operation at a time (law OPT-001).

Kingma and Ba (arXiv:1412.6980v9), Algorithm 1, with the decoupled weight decay of Loshchilov and Hutter
(arXiv:1711.05101v3), Algorithm 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def adamw(
    start: Array,
    gradients: Sequence[Array],
    learning_rates: Sequence[float],
    *,
    beta1: float,
    beta2: float,
    epsilon: float,
    weight_decay: float,
) -> list[Array]:
    """Parameters after each step.

    Args:
        start: parameters before the first step.
        gradients: gradient of each step.
        learning_rates: learning rate of each step.
        beta1: decay of the first moment.
        beta2: decay of the second moment.
        epsilon: added to the root of the bias-corrected second moment.
        weight_decay: share of the parameter, times the learning rate, removed before the step.
    """
    theta, first, second = start.copy(), np.zeros_like(start), np.zeros_like(start)
    history = []
    for index, (gradient, learning_rate) in enumerate(zip(gradients, learning_rates, strict=True)):
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        first_corrected = first / (1 - beta1 ** (index + 1))
        second_corrected = second / (1 - beta2 ** (index + 1))
        theta = theta * (1 - learning_rate * weight_decay)
        theta = theta - learning_rate * first_corrected / (np.sqrt(second_corrected) + epsilon)
        history.append(theta)
    return history
