"""What each rule would have said of the failed run, from its recorded curve and the program's own code."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from neuromf.config.load import load_config
from neuromf.flow.weighting import potential, weighted_loss
from neuromf.monitor.guard import WINDOW, DivergenceGuard, Level
from spec.reference.failed_run import recorded_curve
from spec.reference.time_distribution import LogitNormalPair
from spec.registry import law
from tools.gate.static import static_findings
from tools.replay.recorded import curve, facts, gpu_hours

TERMS = 2
"""The failed run added a flow-matching and a MeanFlow term, each weighted."""


@dataclass(frozen=True)
class Reading:
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


def readings() -> list[Reading]:
    """Every recorded epoch through the trainer's own weighting, the loss shared evenly between the two terms."""
    norm_eps, dims = facts()["norm_eps"].value, facts()["latent_dims"].value
    table = curve()
    rows = []
    for epoch, raw in zip(table["epoch"], table[[f"ch{c}" for c in range(4)]].sum(axis=1), strict=True):
        # Channels are per-voxel means: their sum times the voxels is the sum over dims, half of it in each term.
        per_sample = float(raw) * dims / 4 / TERMS
        narrow = torch.tensor([per_sample] * TERMS, dtype=torch.float32)
        wide = narrow.double()
        rows.append(
            Reading(
                epoch=int(epoch),
                raw=float(raw),
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
    """

    name: str
    law: str
    epoch: int | None
    halts: bool
    says: str

    @property
    def saved(self) -> float:
        """A100-hours of the run that would not have been spent."""
        if self.epoch is None or not self.halts:
            return 0.0
        return gpu_hours() * (1 - self.epoch / facts()["epochs"].value)


def rules() -> list[Rule]:
    """All rules, the earliest first."""
    found = [_gate(), _weighted(), _anchor(), *_guard(), _finite()]
    return sorted(found, key=lambda rule: math.inf if rule.epoch is None else rule.epoch)


def _gate() -> Rule:
    results = static_findings(load_config(["failed_225"]), {})
    blocked = [result.law_id for result in results if result.status == "block"]
    return Rule("static gate", ", ".join(blocked), 0, True, f"{len(blocked)} laws block the launch")


def _weighted() -> Rule:
    first = readings()[0]
    finding = law("WGT-002").predicate(
        loss=first.per_sample, norm_eps=facts()["norm_eps"].value, norm_p=1.0, reported="weighted"
    )
    says = f"L/c is {first.regime:.2g} and the run is judged by the weighted loss"
    return Rule("weighted loss alone", "WGT-002", None if finding.passed else first.epoch, False, says)


def _anchor() -> Rule:
    """The loss of predicting zero, closed form, x-prediction, both terms, all channels of unit variance."""
    level = TERMS * 4 * LogitNormalPair(-0.4, 1.0).inverse_square(0.05)
    epoch = next((r.epoch for r in readings() if not r.raw <= level), None)
    first = readings()[0]
    return Rule(
        "zero predictor", "PRED-002", epoch, False, f"{first.raw:,.0f} against {level:.1f} for predicting nothing"
    )


def _guard() -> list[Rule]:
    guard = DivergenceGuard.from_config(load_config(["recommended"]).training)
    spoken: dict[Level, Rule] = {}
    for epoch, level in enumerate(recorded_curve()):
        for _ in range(WINDOW):
            verdict = guard.observe(level)
            if verdict.level in (Level.WARN, Level.HALT) and verdict.level not in spoken:
                halts = verdict.level is Level.HALT
                bound = guard.halt_ratio if halts else guard.warn_ratio
                name = f"guard, {verdict.level} at {bound:g} x the first"
                spoken[verdict.level] = Rule(name, "GUARD-001", epoch, halts, verdict.message)
    return list(spoken.values())


def _finite() -> Rule:
    broken = next((r.epoch for r in readings() if not math.isfinite(r.raw)), None)
    return Rule("non-finite numbers", "NUM-001", broken, True, "every recorded number is finite")
