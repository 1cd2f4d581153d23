"""Values of arms that are drawn, by Optuna's sampler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from neuromf.errors import InputError
from neuromf.sweep.specification import RandomArms, Range


def drawn_settings(wanted: RandomArms) -> Iterator[dict[str, Any]]:
    """Settings of each arm: the same for the same seed."""
    optuna = import_optuna()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=wanted.seed))
    spaces = {key: _space(space) for key, space in wanted.keys.items()}
    for _ in range(wanted.count):
        drawn = study.ask(fixed_distributions=spaces).params
        # A list is no value of Optuna's: its place is drawn.
        yield {key: drawn[key] if isinstance(space, Range) else space[drawn[key]] for key, space in wanted.keys.items()}


def _space(space: Range | list[Any]) -> Any:  # noqa: ANN401
    """What Optuna draws a value from."""
    distributions = import_optuna().distributions
    if isinstance(space, list):
        return distributions.CategoricalDistribution(range(len(space)))
    if space.whole:
        return distributions.IntDistribution(round(space.low), round(space.high), log=space.log)
    return distributions.FloatDistribution(space.low, space.high, log=space.log)


def import_optuna() -> Any:  # noqa: ANN401
    """Optuna, which only sweeps need, without its lines on standard error.

    Raises:
        InputError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError("Optuna is not installed", remedy="install neuromf with the extra 'sweep'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
