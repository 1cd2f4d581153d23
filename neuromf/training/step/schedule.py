"""Learning-rate multiplier as a closed form of the optimiser step (laws LR-001, LR-002)."""

from __future__ import annotations

import math
from typing import Literal


def lr_multiplier(
    step: int, total_steps: int, warmup_steps: int, schedule: Literal["constant", "cosine", "linear"]
) -> float:
    r"""Factor on the base learning rate at optimiser step `step`, counted from 0.

    Warm-up multiplies by (step + 1) / warmup_steps, so that no step is wasted at zero and the first step after it has
    the full rate. Then, with s steps done of T after the warm-up: constant 1, cosine
    :math:`(1 + \cos \pi s/T)/2`, linear :math:`1 - s/T`. With warmup_steps 0 the first step is exactly 1.0.

    Args:
        step: optimiser step, from 0.
        total_steps: optimiser steps of the whole run.
        warmup_steps: length of the warm-up.
        schedule: shape after the warm-up.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if schedule == "constant":
        return 1.0
    done = min((step - warmup_steps) / max(total_steps - warmup_steps, 1), 1.0)
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    return 1.0 - done
