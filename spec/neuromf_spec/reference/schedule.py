"""Learning-rate multipliers in closed form (law LR-002). Standard library only, for the static gate uses them too."""

from __future__ import annotations

import math

SCHEDULES = ("constant", "cosine", "linear")


def lr_multiplier(step: int, total_steps: int, warmup_steps: int, schedule: str) -> float:
    """Factor on the base learning rate at optimiser step `step`, counted from 0.

    Warm-up ends at the full rate: (step + 1)/warmup. The review's formula step/warmup (section 5.1) makes step 0 a
    zero step whenever there is a warm-up; here no step is wasted.

    Args:
        step: k in 0 .. total_steps - 1.
        total_steps: T, updates in the run.
        warmup_steps: w, updates of the linear ramp; 0 for none.
        schedule: what follows the ramp: `constant` 1, `cosine` (1 + cos(pi (k-w)/(T-w)))/2, `linear` (T-k)/(T-w).
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if schedule == "constant":
        return 1.0
    progress = (step - warmup_steps) / (total_steps - warmup_steps)
    return {"cosine": 0.5 * (1 + math.cos(math.pi * progress)), "linear": 1 - progress}[schedule]
