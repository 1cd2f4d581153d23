"""The monitor of a running training: every law it can judge on a step's own numbers, told once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.monitor.checks.runtime_checks import LawReading, judge, step_readings
from neuromf.monitor.checks.step_checks import StepChecks, whole_updates
from neuromf.monitor.events import Event
from neuromf.monitor.guard.alarm import Alarm, Level, Verdict, alarm_of
from neuromf.monitor.moments import LatentMoments
from neuromf.trace.columns import TraceRow


class Monitor:
    """Judges steps; reads nothing from the device, for a step's numbers are on the host already.

    Args:
        config: the run.
        moments: of the training latents, for the first batch.
        known: events so far; a law that was told before is not told again.
    """

    def __init__(self, config: Config, moments: LatentMoments, known: Iterable[Event] = ()) -> None:
        self._config, self._facts, self._moments = config, run_facts(config), moments
        self._told = {event.law for event in known if event.level != "info"}

    def judge(self, row: TraceRow, verdict: Verdict, checks: StepChecks | None) -> list[Event]:
        """What is new in one step: alarms of the guard, and laws broken for the first time."""
        readings = list(self._readings(row, checks)) if self._config.training.monitors else []
        held = {reading.law_id for reading in readings if reading.finding.passed}
        alarms = [*verdict.fresh, *self._new_alarms(readings, {alarm.law for alarm in verdict.alarms})]
        broken = self._told | {alarm.law for alarm in verdict.alarms}
        fine = sorted(held - broken)
        return [_event(row["step"], alarm, fine) for alarm in alarms]

    def _new_alarms(self, readings: list[LawReading], heard: set[str]) -> Iterator[Alarm]:
        """Laws of a reading, not of the guard, broken for the first time: told, never halted on."""
        for reading in readings:
            if not reading.finding.passed and reading.law_id not in self._told | heard:
                self._told.add(reading.law_id)
                yield alarm_of(reading.law_id, Level.WARN, reading.finding)

    def _readings(self, row: TraceRow, checks: StepChecks | None) -> Iterator[LawReading]:
        yield from step_readings(self._config, row, self._facts)
        if checks is not None:
            yield from check_readings(self._config, checks)
            if checks.moments:
                yield judge("DATA-003", deviations=self._moments.deviations(checks.moments))


def check_readings(config: Config, checks: StepChecks) -> Iterator[LawReading]:
    """Judge the silent faults that were looked for in one step."""
    yield judge("OPT-002", **asdict(checks.coverage))
    yield judge("OPT-003", stale=checks.stale)
    yield judge("OPT-004", recorded=checks.recorded, counted=checks.counted)
    if checks.average_updates is not None:
        yield judge(
            "EMA-001", decay=config.ema.decay, ema_updates=whole_updates(checks.average_updates), optimiser_steps=1
        )
    limit = config.training.gradient_clip
    yield judge("OPT-005", before=checks.norm, after=checks.clipped_norm, limit=limit)
    yield judge("BATCH-003", differing=checks.differing)


def _event(step: int, alarm: Alarm, fine: list[str]) -> Event:
    # An event says what follows, and a step that is not applied is a halt.
    level = "warn" if alarm.level is Level.WARN else "halt"
    return Event(
        step=step, level=level, law=alarm.law, message=alarm.message, value=alarm.value, bound=alarm.bound,
        rank=alarm.rank, fine=fine,
    )  # fmt: skip
