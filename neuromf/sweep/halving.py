"""Which arms go on at a rung, as a pruner of Optuna's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.pruners import BasePruner

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial


class KeepTheBest(BasePruner):
    """Keeps the best of all arms that reported a rung: one in `factor`, rounded up (Jamieson and Talwalkar 2016).

    Optuna's own successive halving decides when an arm reports, by those before it; here every arm has reported, so
    that the order in which they were trained plays no part.

    Args:
        factor: one arm in so many is kept.
    """

    def __init__(self, factor: int) -> None:
        self._factor = factor

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether an arm ends here; the lower value is the better one, and of equal ones the earlier arm."""
        rung = trial.last_step
        if rung is None:
            return False
        values = [
            (other.intermediate_values[rung], other.number)
            for other in study.get_trials(deepcopy=False)
            if rung in other.intermediate_values
        ]
        kept = sorted(values)[: -(-len(values) // self._factor)]
        return (trial.intermediate_values[rung], trial.number) not in kept
