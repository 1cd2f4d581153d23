"""The divergence guard: every rule on the raw losses of every step, and the proof at start-up that they fire."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from neuromf_spec.laws.divergence import terms_together
from neuromf_spec.laws.guard import finite_step
from neuromf_spec.reference.failed_run import (
    FAILED_RUN_START,
    HEALTHY_RATIO,
    HEALTHY_START,
    STEPS_PER_EPOCH,
    recorded_curve,
)

from neuromf.config.schema import Config
from neuromf.monitor.guard import cusum
from neuromf.monitor.guard.alarm import Alarm, Level, RawLosses, Verdict, alarm_of
from neuromf.monitor.guard.cusum import Cusum
from neuromf.monitor.guard.initial_ratio import InitialRatio
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss, anchor

BLOCK = 30
"""Steps whose medians the slow rules judge: an epoch of the failed run, on whose curve they were tuned."""

QUIET = Verdict()


class DivergenceGuard:
    """Judges a run by its raw losses alone; a weighted loss may not move (law WGT-002).

    Args:
        warn_ratio: multiple of the initial raw loss at which to warn.
        halt_ratio: multiple at which to halt; None disarms every rule, save on a number that is not finite.
        start: closed form of the initial level, None where it is not known.
    """

    def __init__(self, warn_ratio: float, halt_ratio: float | None, start: ZeroPredictorLoss | None = None) -> None:
        self.armed, self.start = halt_ratio is not None, start
        self.initial = InitialRatio(warn_ratio, halt_ratio, start.total if start is not None else 0.0)
        self.climbs = (Cusum(cusum.WARN), Cusum(cusum.HALT))
        self._block: list[RawLosses] = []
        self._heard: set[str] = set()

    @classmethod
    def from_config(cls, config: Config) -> DivergenceGuard:
        """The guard a configuration asks for."""
        training = config.training
        return cls(training.divergence_warn_ratio, training.divergence_threshold, anchor(config))

    def observe(self, losses: RawLosses) -> Verdict:
        """Judge one step."""
        if not (math.isfinite(losses.total) and math.isfinite(losses.gradient_norm)):
            finding = finite_step(loss=losses.total, gradient_norm=losses.gradient_norm)
            return self._verdict([alarm_of("NUM-001", Level.NONFINITE, finding)])
        found = [self.initial.observe(losses.total)]
        self._block.append(losses)
        if len(self._block) == BLOCK:
            found += self._judge_block(_medians(self._block))
            self._block = []
        alarms = [alarm for alarm in found if alarm is not None]
        return self._verdict(alarms) if alarms else QUIET

    def _verdict(self, alarms: list[Alarm]) -> Verdict:
        """Alarms, and which of them were not heard before."""
        fresh = tuple(alarm for alarm in alarms if f"{alarm.law} {alarm.level}" not in self._heard)
        self._heard |= {f"{alarm.law} {alarm.level}" for alarm in fresh}
        return Verdict(tuple(alarms), fresh)

    def _judge_block(self, block: RawLosses) -> list[Alarm | None]:
        climbs = [self._restrained(rule.observe(block.total)) for rule in self.climbs]
        against_nothing = self.start.judge(block, armed=self.armed) if self.start is not None else None
        return [against_nothing, *climbs, _judge_terms(block)]

    def _restrained(self, alarm: Alarm | None) -> Alarm | None:
        """A disarmed guard says what it sees and stops nothing."""
        return alarm if alarm is None or self.armed else replace(alarm, level=Level.WARN)

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold for the guard to go on as if it had not stopped."""
        block = [[loss.total, loss.flow, loss.meanflow] for loss in self._block]
        rules = {"initial": self.initial.state(), "climbs": [rule.state() for rule in self.climbs]}
        return {**rules, "block": block, "heard": sorted(self._heard)}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.initial.load_state(state["initial"])
        for rule, kept in zip(self.climbs, state["climbs"], strict=True):
            rule.load_state(kept)
        self._block = [RawLosses(float(total), flow, meanflow) for total, flow, meanflow in state["block"]]
        self._heard = {str(name) for name in state["heard"]}


def _judge_terms(block: RawLosses) -> Alarm | None:
    """MF and FM losses fall together; nothing is said where a term has no sample (law GUARD-006)."""
    if block.flow is None or block.meanflow is None:
        return None
    finding = terms_together(meanflow=block.meanflow, flow=block.flow)
    return None if finding.passed else alarm_of("GUARD-006", Level.WARN, finding)


def _medians(block: list[RawLosses]) -> RawLosses:
    flows = [losses.flow for losses in block if losses.flow is not None]
    meanflows = [losses.meanflow for losses in block if losses.meanflow is not None]
    return RawLosses(
        total=statistics.median(losses.total for losses in block),
        flow=statistics.median(flows) if flows else None,
        meanflow=statistics.median(meanflows) if meanflows else None,
    )


@dataclass(frozen=True)
class SelfTest:
    """Outcome of replaying two known curves through a fresh guard.

    Attributes:
        warned_epoch: epoch of 225 at which the failed run is first warned of, None for never.
        halted_epoch: epoch at which it is halted, None for never.
        false_alarm: whether a healthy curve is halted.
    """

    warned_epoch: int | None
    halted_epoch: int | None
    false_alarm: bool

    @property
    def passed(self) -> bool:
        """The failed run is halted before its end and the healthy one is left alone."""
        return self.halted_epoch is not None and not self.false_alarm


def self_test(config: Config) -> SelfTest:
    """Replay the failed run and a healthy one through the guard that `config` asks for (law GUARD-001)."""
    return _self_test(config.training.divergence_warn_ratio, config.training.divergence_threshold)


@cache
def _self_test(warn_ratio: float, halt_ratio: float | None) -> SelfTest:
    failed = first_alarms(
        warn_ratio, halt_ratio, recorded_curve(), ZeroPredictorLoss(FAILED_RUN_START, FAILED_RUN_START)
    )
    healthy = first_alarms(warn_ratio, halt_ratio, HEALTHY_RATIO, ZeroPredictorLoss(HEALTHY_START, HEALTHY_START))
    return SelfTest(failed.get(Level.WARN), failed.get(Level.HALT), Level.HALT in healthy)


def first_alarms(
    warn_ratio: float, halt_ratio: float | None, levels: list[float], start: ZeroPredictorLoss
) -> dict[Level, int]:
    """Epoch at which each level is first heard on a curve of epoch levels, up to the first halt.

    Args:
        warn_ratio: of the guard.
        halt_ratio: of the guard.
        levels: raw loss of each epoch, shown for as many steps as the failed run's epochs had.
        start: loss of predicting nothing, in the unit of `levels`.
    """
    guard = DivergenceGuard(warn_ratio, halt_ratio, start)
    heard: dict[Level, int] = {}
    for epoch, level in enumerate(levels):
        losses = RawLosses(level)
        for _ in range(STEPS_PER_EPOCH):
            heard.setdefault(guard.observe(losses).level, epoch)
            if Level.HALT in heard:
                return heard
    return heard


def guard_arguments(config: Config) -> dict[str, Any]:
    """What law GUARD-001 asks about a guard, its self-test included."""
    test = self_test(config)
    return {
        "divergence_threshold": config.training.divergence_threshold,
        "warn_ratio": config.training.divergence_warn_ratio,
        "failed_run_halted_at": test.halted_epoch,
        "halts_healthy_run": test.false_alarm,
        "monitors": config.training.monitors,
    }
