"""The divergence guard of the review, section 3.4 (law GUARD-001): warn at 10 x, halt at 100 x the initial raw loss."""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from neuromf.config.schema import TrainingConfig
from spec.reference.failed_run import HEALTHY_RATIO, recorded_curve

WINDOW = 10
"""Steps whose median is one level. A single step's loss has a 1/t^2 tail: one draw in 6,000 is 100 times the median."""


class Level(StrEnum):
    """What the guard says about a step."""

    OK = "ok"
    WARN = "warn"
    HALT = "halt"
    NONFINITE = "nonfinite"


@dataclass(frozen=True)
class Verdict:
    """The guard's word on one step: level, raw loss over its initial level, and a sentence when it is not OK."""

    level: Level
    ratio: float
    message: str = ""


class DivergenceGuard:
    """Compares the median raw loss of the last steps with that of the first.

    Args:
        warn_ratio: multiple of the initial level at which to warn.
        halt_ratio: multiple at which to halt; None never halts, except on a value that is not finite.
    """

    def __init__(self, warn_ratio: float, halt_ratio: float | None) -> None:
        self.warn_ratio, self.halt_ratio = warn_ratio, halt_ratio
        self._first: list[float] = []
        self._recent: deque[float] = deque(maxlen=WINDOW)

    @classmethod
    def from_config(cls, training: TrainingConfig) -> DivergenceGuard:
        """The guard a configuration asks for."""
        return cls(training.divergence_warn_ratio, training.divergence_threshold)

    def observe(self, raw_total: float, gradient_norm: float = 0.0) -> Verdict:
        """Judge one step by its raw loss, squared latent per dim, and its gradient norm."""
        if not (math.isfinite(raw_total) and math.isfinite(gradient_norm)):
            name, value = ("raw loss", raw_total) if not math.isfinite(raw_total) else ("gradient norm", gradient_norm)
            return Verdict(Level.NONFINITE, math.nan, f"the {name} is {value}: the step was not applied")
        self._recent.append(raw_total)
        if len(self._first) < WINDOW:
            self._first.append(raw_total)
            return Verdict(Level.OK, 1.0)
        initial, present = statistics.median(self._first), statistics.median(self._recent)
        ratio = present / initial
        # `not <=` so that a NaN ratio alarms.
        if self.halt_ratio is not None and not ratio <= self.halt_ratio:
            return Verdict(Level.HALT, ratio, _sentence(present, initial, ratio, self.halt_ratio))
        if not ratio <= self.warn_ratio:
            return Verdict(Level.WARN, ratio, _sentence(present, initial, ratio, self.warn_ratio))
        return Verdict(Level.OK, ratio)

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold for the guard to go on as if it had not stopped."""
        return {"first": self._first, "recent": list(self._recent)}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._first = [float(value) for value in state["first"]]
        self._recent = deque((float(value) for value in state["recent"]), maxlen=WINDOW)


def _sentence(present: float, initial: float, ratio: float, bound: float) -> str:
    return f"raw loss {present:.4g} is {ratio:.3g} times its initial level {initial:.4g}, bound {bound:g}"


@dataclass(frozen=True)
class SelfTest:
    """Outcome of replaying two known curves through a fresh guard.

    Attributes:
        halted_epoch: epoch of 225 at which the failed run is halted, None when it is not.
        false_alarm: whether a healthy curve is halted.
    """

    halted_epoch: int | None
    false_alarm: bool

    @property
    def passed(self) -> bool:
        """The failed run is halted before its end and the healthy one is left alone."""
        return self.halted_epoch is not None and not self.false_alarm


def self_test(training: TrainingConfig) -> SelfTest:
    """Replay the failed run and a healthy one through the guard `training` asks for (law GUARD-001)."""
    return SelfTest(
        halted_epoch=_first_halt(DivergenceGuard.from_config(training), recorded_curve()),
        false_alarm=_first_halt(DivergenceGuard.from_config(training), HEALTHY_RATIO) is not None,
    )


def guard_arguments(training: TrainingConfig) -> dict[str, Any]:
    """What law GUARD-001 asks about a guard, its self-test included."""
    test = self_test(training)
    return {
        "divergence_threshold": training.divergence_threshold,
        "warn_ratio": training.divergence_warn_ratio,
        "failed_run_halted_at": test.halted_epoch,
        "halts_healthy_run": test.false_alarm,
    }


def _first_halt(guard: DivergenceGuard, levels: list[float]) -> int | None:
    """Epoch of the first halt on a curve of epoch means, each shown for as many steps as make one level."""
    for epoch, level in enumerate(levels):
        for _ in range(WINDOW):
            if guard.observe(level).level is Level.HALT:
                return epoch
    return None
