"""What each rule would have said of a recorded run, from its curve and the program's own code."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from neuromf_spec.registry import law

from neuromf.config.load import load_config
from neuromf.flow.weighting import potential, weighted_loss
from neuromf.gate.result import REFUSED
from neuromf.gate.static import static_findings
from neuromf.monitor.guard.alarm import Alarm, Level, RawLosses
from neuromf.monitor.guard.guard import DivergenceGuard
from neuromf.replay.recorded import RecordedRun

LATENT_DIMS, CHANNELS = 442_368, 4
"""The review, section 3.3."""


@dataclass(frozen=True)
class EpochReading:
    """One recorded epoch, weighted anew.

    Attributes:
        epoch: from 0.
        raw: raw loss per voxel, channels and terms added.
        per_sample: what a term was weighted by, its sum over 442,368 dims.
        printed: weighted loss in float32, as the run computed it.
        exact: the same in float64.
        objective: the potential, which neuromf reports.
        regime: L / norm_eps.
    """

    epoch: int
    raw: float
    per_sample: float
    printed: float
    exact: float
    objective: float
    regime: float


def readings(run: RecordedRun) -> list[EpochReading]:
    """Every recorded epoch through the trainer's own weighting, the loss shared evenly between the terms."""
    norm_eps = run.facts["norm_eps"].value
    rows = []
    for epoch, raw in run.points.items():
        # Channels are per-voxel means: their sum times the voxels is the sum over dims, shared between the terms.
        per_sample = raw * LATENT_DIMS / CHANNELS / run.terms
        narrow = torch.tensor([per_sample] * run.terms, dtype=torch.float32)
        wide = narrow.double()
        rows.append(
            EpochReading(
                epoch=epoch,
                raw=raw,
                per_sample=per_sample,
                printed=float(weighted_loss(narrow, norm_eps, 1.0).sum()),
                exact=float(weighted_loss(wide, norm_eps, 1.0).sum()),
                objective=float(potential(wide, norm_eps, 1.0).sum()),
                regime=per_sample / norm_eps,
            )
        )
    return rows


@dataclass(frozen=True)
class Rule:
    """What a rule would have done.

    Attributes:
        name: the rule.
        law: law it belongs to.
        epoch: epoch from which it would have spoken, 0 before the launch, None for never.
        halts: whether it stops the run.
        says: with which number.
        saved: share of the run that would not have been trained.
    """

    name: str
    law: str
    epoch: int | None
    halts: bool
    says: str
    saved: float


def rules(run: RecordedRun) -> list[Rule]:
    """All rules, the earliest first."""
    found = [*_gate(run), _weighted(run), *_guard(run), _finite(run)]
    return sorted(found, key=lambda rule: (math.inf if rule.epoch is None else rule.epoch, not rule.halts))


def _gate(run: RecordedRun) -> list[Rule]:
    if not run.recipe:
        return []
    results = static_findings(load_config([run.recipe]), {})
    blocked = [result.law_id for result in results if result.status in REFUSED]
    return [Rule("static gate", ", ".join(blocked), 0, True, f"{len(blocked)} laws refuse the launch", 1.0)]


def _weighted(run: RecordedRun) -> Rule:
    first = readings(run)[0]
    finding = law("WGT-002").predicate(
        loss=first.per_sample, norm_eps=run.facts["norm_eps"].value, norm_p=1.0, reported="weighted"
    )
    says = f"L/c is {first.regime:.2g} and the run is judged by the weighted loss"
    return Rule("weighted loss alone", "WGT-002", None if finding.passed else first.epoch, False, says, 0.0)


NAMES = {
    "GUARD-001": "multiple of the first loss",
    "GUARD-004": "predicting nothing",
    "GUARD-005": "climb from the best level",
}


def _guard(run: RecordedRun) -> list[Rule]:
    """Every rule of the recommended guard, each up to its first word; a halt does not end the replay."""
    training = load_config(["recommended"]).training
    guard = DivergenceGuard(training.divergence_warn_ratio, training.divergence_threshold, run.start)
    spoken: list[Rule] = []
    steps_per_epoch, recorded_from = int(run.facts["steps_per_epoch"].value), min(run.points)
    for epoch, level in enumerate(run.levels):
        for _ in range(steps_per_epoch):
            # Before its first record a run is held at that record: an alarm there was certain by then.
            spoken += [_rule(alarm, max(epoch, recorded_from), run) for alarm in guard.observe(RawLosses(level)).fresh]
    return spoken


def _rule(alarm: Alarm, epoch: int, run: RecordedRun) -> Rule:
    halts = alarm.level is Level.HALT
    saved = 1 - epoch / run.facts["epochs"].value if halts else 0.0
    return Rule(f"guard, {alarm.level}: {NAMES[alarm.law]}", alarm.law, epoch, halts, alarm.message, saved)


def _finite(run: RecordedRun) -> Rule:
    broken = next((r.epoch for r in readings(run) if not math.isfinite(r.raw)), None)
    return Rule("non-finite numbers", "NUM-001", broken, True, "every recorded number is finite", 0.0)
