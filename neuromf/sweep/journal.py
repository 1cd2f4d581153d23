"""What a sweep has found so far, in Optuna's storage, which a kill does not damage: one trial an arm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neuromf.errors import InputError
from neuromf.sweep.arms import SweepArm
from neuromf.sweep.halving import KeepTheBest
from neuromf.sweep.random_arms import import_optuna

FILE = "optuna.log"
NAME = "sweep"
WORST = 1e300
"""Stands for an infinite loss, which Optuna's storage does not take."""


class SweepJournal:
    """The study of a sweep.

    Args:
        out: the sweep's folder, which exists.
        question: what the sweep is about; another one in the same folder is refused.
        arms: its arms.
        factor: one arm in so many is kept at a rung.

    Raises:
        InputError: the folder holds another sweep.
    """

    def __init__(self, out: Path, question: Mapping[str, Any], arms: Sequence[SweepArm], factor: int) -> None:
        optuna = import_optuna()
        backend = optuna.storages.journal.JournalFileBackend(str(out / FILE))
        self._study = optuna.create_study(
            study_name=NAME, storage=optuna.storages.JournalStorage(backend), load_if_exists=True,
            pruner=KeepTheBest(factor),
        )  # fmt: skip
        asked = self._study.user_attrs.get("question")
        if asked not in (None, dict(question)):
            remedy = "give the file that it was begun with, or another --out"
            raise InputError("holds another sweep", remedy=remedy, file=out, key="--out")
        self._study.set_user_attr("question", dict(question))
        self._trials: dict[int, Any] = {
            trial.user_attrs["arm"]: optuna.trial.Trial(self._study, trial._trial_id)
            for trial in self._study.get_trials(deepcopy=False)
            if "arm" in trial.user_attrs
        }
        ended = (trial for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished())
        self._ended = {trial.user_attrs.get("arm") for trial in ended}
        for arm in arms:
            if arm.number not in self._trials:
                trial = self._study.ask()
                trial.set_user_attr("name", arm.name)
                trial.set_user_attr("settings", dict(arm.settings))
                trial.set_user_attr("arm", arm.number)  # last: a trial without it was cut short
                self._trials[arm.number] = trial

    def note(self, arm: SweepArm, key: str, value: object) -> None:
        """Keep a fact about an arm whose trial is open."""
        if arm.number not in self._ended:
            self._trials[arm.number].set_user_attr(key, value)

    def noted(self, arm: SweepArm, key: str) -> Any:  # noqa: ANN401
        """A fact that was kept, None where there is none."""
        return self._trials[arm.number].user_attrs.get(key)

    def report(self, arm: SweepArm, epochs: int, value: float) -> None:
        """Keep the mean over the seeds of an arm at a rung; once it is kept it stays."""
        if arm.number not in self._ended:
            self._trials[arm.number].report(value if math.isfinite(value) else WORST, epochs)

    def is_dropped(self, arm: SweepArm) -> bool:
        """Whether an arm ends at the rung that was last reported, by all arms that reported it."""
        return bool(self._trials[arm.number].should_prune())

    def end(self, arm: SweepArm, value: float | None) -> None:
        """Close the trial of an arm; pruned where it has no value. One that is closed stays so."""
        if arm.number in self._ended:
            return
        trial = self._trials[arm.number]
        if value is None:
            self._study.tell(trial, state=import_optuna().trial.TrialState.PRUNED)
        else:
            self._study.tell(trial, value if math.isfinite(value) else WORST)
        self._ended.add(arm.number)
