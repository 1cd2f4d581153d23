"""What validations cost: as a share of a run's arithmetic before it, in seconds after it; without torch."""

from __future__ import annotations

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.readable import rounded
from neuromf.training.held_out.timetable import validations
from neuromf.training.records.run_folder import RunFolder

FORWARD, BACKWARD = 1, 2
"""Passes: a backward one costs two forward ones."""
DERIVATIVE = 3
"""Of du/dt: one evaluation for the tangent, one for u, one for the derivative along it."""
DRAWS = 4
"""Of noise and times for a scan; each is judged as an FM and as an MF sample."""


def arithmetic_share(config: Config, scans: int) -> float:
    """Share of a run's network passes that its validations take.

    Args:
        config: the run.
        scans: of either slice.
    """
    facts, mf = run_facts(config), 1 - config.time_sampling.data_proportion
    trained = (1 + (facts.loss_terms - 1) * mf) * (FORWARD + BACKWARD) + mf * DERIVATIVE
    judged = (FORWARD if mf < 1 or facts.loss_terms > 1 else 0) + ((FORWARD + DERIVATIVE) if mf > 0 else 0)
    validation = 2 * scans * DRAWS * judged * validations(config)
    training = trained * facts.effective_batch * facts.optimiser_steps
    return validation / (validation + training)


def seconds_spent(run: RunFolder) -> float:
    """Seconds that a run's validations took, those that were made again after a resume too."""
    try:
        lines = run.validation_times.read_text(encoding="ascii").splitlines()[1:]
        return sum(float(line.partition(",")[2]) for line in lines)
    except (OSError, ValueError):  # a torn line is not worth an error
        return float("nan")


def time_told(run: RunFolder) -> str:
    """That in a sentence."""
    return f"validations took {rounded(seconds_spent(run), 3)} s"
