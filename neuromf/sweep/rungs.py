"""After how many epochs the arms of a sweep are compared, and which optimiser step that is."""

from __future__ import annotations

import bisect
import math

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.sweep.specification import SweepFile
from neuromf.training.held_out.timetable import epochs_done


def rungs_of(sweep: SweepFile, epochs: int, file: str) -> list[int]:
    """Epochs after which arms are compared, rising; the last is the end of the run.

    Args:
        sweep: the file.
        epochs: of a whole run.
        file: its name, for the message.

    Raises:
        InputError: the first of them is no shorter than the run.
    """
    if sweep.halving is None:
        return [epochs]
    if not sweep.halving.first_epochs < epochs:
        problem = f"{sweep.halving.first_epochs} epochs are no part of a run of {epochs}"
        raise InputError(problem, remedy="give fewer, or leave out halving", file=file, key="halving.first_epochs")
    found, rung = [], sweep.halving.first_epochs
    while rung < epochs:
        found.append(rung)
        rung *= sweep.halving.factor
    return [*found, epochs]


def validated_every(rungs: list[int]) -> int:
    """Epochs from one validation to the next with which every rung is validated."""
    return math.gcd(*rungs)


def steps_of(config: Config, epochs: int) -> int:
    """Optimiser steps of a run after which so many epochs are done."""
    total = run_facts(config).optimiser_steps
    if epochs >= config.training.epochs:
        return total
    return bisect.bisect_left(range(total), epochs, key=lambda steps: epochs_done(config, steps))
