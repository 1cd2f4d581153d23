"""Raw loss by epoch of runs whose outcome is known: healthy shapes, and the two runs that diverged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from neuromf_spec.reference.failed_run import RECORDED_CHANNELS, STEPS_PER_EPOCH
from numpy.typing import NDArray

from neuromf.replay.recorded import RUNS

EPOCHS = 500
"""Of a healthy run, as the review plans the next one."""
FIRST_RECORD = min(RECORDED_CHANNELS)
"""Epoch, from 0, of the failed run's first record."""
CLIMBING = "failed_225 from its start"


@dataclass(frozen=True)
class Curve:
    """One run without its noise.

    Attributes:
        name: of the shape, or of the recorded run.
        healthy: whether the guard should leave it alone.
        levels: mean raw loss of each epoch, in a unit of its own.
        start: loss of predicting nothing, in that unit.
        steps_per_epoch: optimiser steps.
    """

    name: str
    healthy: bool
    levels: NDArray[np.float64]
    start: float
    steps_per_epoch: int


def _healthy(name: str, levels: NDArray[np.float64]) -> Curve:
    return Curve(name, True, levels, 1.0, STEPS_PER_EPOCH)


def healthy_curves() -> list[Curve]:
    """Shapes of runs that come to no harm, in multiples of predicting nothing."""
    epoch = np.arange(EPOCHS, dtype=np.float64)
    decay = 0.06 + 0.94 * (1 + epoch / 8) ** -0.8
    return [
        _healthy("decay", decay),
        # As after a change of the learning rate: 2.5 x for some 15 epochs.
        _healthy("bump", decay * 2.5 ** _bell(epoch, 120, 7)),
        _healthy("plateau", np.full(EPOCHS, 0.8)),
        _healthy("slow fall", 0.9 * 0.5 ** (epoch / EPOCHS)),
        # Predicting nothing for a tenth of the run, 1.8 x of it as the rate is largest, then the decay.
        _healthy("bump after warm-up", np.where(epoch < 50, 1.0, np.roll(decay, 50)) * 1.8 ** _bell(epoch, 50, 5)),
        # A jump to 8 x that is forgotten within some five epochs, every sixty: as of a bad batch at a high rate.
        _healthy("spikes", decay * 8.0 ** np.where(epoch < 40, 0.0, np.exp(-((epoch - 40) % 60) / 1.5))),
        # The first draws happen to be easy: a hundredth, and the true level five epochs later.
        _healthy("tiny first loss", decay * 100.0 ** np.minimum(epoch / 5 - 1, 0)),
        # To 2.3 x predicting nothing by epoch 7. No training of the study had a block above it.
        _healthy("rise and fall", decay * np.exp(np.log(4) * epoch / 10 * np.exp(1 - epoch / 10))),
    ]


def _bell(epoch: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * ((epoch - centre) / width) ** 2))


def recorded_curves() -> list[Curve]:
    """The failed run and the public code's next one; log-linear between recorded epochs, level before the first.

    What the failed run did before its first record is unknown, and a warning may hang on it: it is also given a climb
    from predicting nothing, straight in the logarithm.
    """
    known = (("failed_225", STEPS_PER_EPOCH), ("public_v1", int(RUNS["public_v1"].facts["steps_per_epoch"].value)))
    failed, following = (
        Curve(name, False, np.asarray(RUNS[name].levels), RUNS[name].start.total, steps) for name, steps in known
    )
    levels = failed.levels.copy()
    levels[: FIRST_RECORD + 1] = np.geomspace(failed.start, levels[FIRST_RECORD], FIRST_RECORD + 1)
    return [failed, replace(failed, name=CLIMBING, levels=levels), following]
