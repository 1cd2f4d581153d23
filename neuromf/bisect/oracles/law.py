"""`law:ID`: does the mixture break this law?

On paper where the static gate can judge it: no training, and no noise. Else in a short training, with the monitors on:
broken at the first step whose numbers the law refuses.
"""

from __future__ import annotations

from neuromf.bisect.oracle import Outcome, Verdict
from neuromf.bisect.oracles.task import Task
from neuromf.errors import InputError
from neuromf.gate.static import CHECKS, static_findings

LIVE = ("JVP-006", "GUARD-004", "GUARD-005", "GUARD-006", "NUM-001", "OPT-002")
"""Laws that only a training can break and that a configuration can be the cause of."""


def check_law(law_id: str) -> None:
    """Refuse what no configuration can be judged by."""
    if law_id not in (*CHECKS, *LIVE):
        remedy = f"use one of {', '.join(sorted((*CHECKS, *LIVE)))}"
        raise InputError(f"'{law_id}' is no law that a configuration can break", remedy=remedy, key="--oracle")


def trains(law_id: str) -> bool:
    """Whether the law can be judged in a training alone."""
    return law_id in LIVE


def law(task: Task, law_id: str) -> Outcome:
    """Judge the mixture by the law's predicate."""
    if trains(law_id):
        return _in_training(task, law_id)
    result = next(r for r in static_findings(task.mixture, {}) if r.law_id == law_id)
    broken = result.status in ("block", "warn")
    detail = f"{result.found}, bound {result.bound}"
    return Outcome(Verdict.BROKEN if broken else Verdict.HEALTHY, detail=detail)


def _in_training(task: Task, law_id: str) -> Outcome:
    from neuromf.bisect.oracles.training import HALTS, armed, training_latents, training_records
    from neuromf.monitor.engine import Monitor
    from neuromf.monitor.moments import latent_moments

    config = armed(task.mixture, monitors=True)
    latents = training_latents(config)
    monitor = Monitor(config, latent_moments(latents))
    step = -1
    for step, record in enumerate(training_records(config, latents, task.micro_batches, task.device)):
        for event in monitor.judge(record.row, record.verdict, record.checks):
            if event.law == law_id:
                return Outcome(Verdict.BROKEN, detail=f"step {step}: {event.message}")
        if record.verdict.level in HALTS:
            return Outcome(Verdict.UNDECIDED, detail=f"halted at step {step}: {record.verdict.message}")
    return Outcome(Verdict.HEALTHY, detail=f"holds in {step + 1} steps")
