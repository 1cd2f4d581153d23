"""After which optimiser steps a run validates: at the end of every so many epochs, and at its own; without torch."""

from __future__ import annotations

from neuromf.config.derived import epoch_of_step, run_facts
from neuromf.config.schema import Config


def epochs_done(config: Config, steps: int) -> int:
    """Epochs that no step after the first `steps` belongs to."""
    return min(epoch_of_step(config, steps), config.training.epochs)


def is_due(config: Config, step: int) -> bool:
    """Whether a validation follows optimiser step `step` (from 0)."""
    every = config.training.validate_every_epochs
    if not every:
        return False
    # An epoch is over when the next step ends in a later one: with accumulation it may hold no step of its own.
    crossed = epoch_of_step(config, step + 1) // every > epoch_of_step(config, step) // every
    return crossed or step + 1 == run_facts(config).optimiser_steps


def validations(config: Config) -> int:
    """How many a whole run has."""
    training, steps = config.training, run_facts(config).optimiser_steps
    between = training.validate_every_epochs * training.micro_batches_per_epoch
    if not between:
        return 0
    if training.gradient_accumulation_steps >= between:  # each step ends the epochs of one or more
        return steps
    return (steps * training.gradient_accumulation_steps - 1) // between + 1


def steps_validated(config: Config, done: int) -> list[int]:
    """Optimiser steps done at each validation of the first `done` steps of a run."""
    return [step + 1 for step in range(done) if is_due(config, step)]
