"""Size and length of the training that shows whether a code learns the one-step map."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LearnerSettings:
    """The training; the defaults take some seconds of a core in torch.

    Attributes:
        steps: optimiser steps.
        batch: samples of one.
        learning_rate: of Adam at the start; it falls to zero along a cosine.
        width: of the hidden layers.
        depth: how many there are.
        judged: samples that it is judged by.
    """

    steps: int = 3_000
    batch: int = 256
    learning_rate: float = 4e-3
    width: int = 96
    depth: int = 3
    judged: int = 4_096


def learning_rate(settings: LearnerSettings, place: int) -> float:
    """Of a step, counted from 0."""
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * place / settings.steps))
