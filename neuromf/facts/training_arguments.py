"""What the laws of optimiser, batch and average ask of facts that are known."""

from __future__ import annotations

from typing import Any

from neuromf_spec.registry import law

from neuromf.facts.schema import Facts

FORBIDDEN = law("CFG-002")


def warmup(facts: Facts) -> dict[str, Any]:
    """Arguments of LR-003."""
    return {"warmup_steps": facts.warmup_steps, "optimiser_steps": facts.optimiser_steps}


def moments(facts: Facts) -> dict[str, Any]:
    """Arguments of OPT-001."""
    return {"beta1": facts.beta1, "beta2": facts.beta2, "optimiser_steps": facts.optimiser_steps}


def budget(facts: Facts) -> dict[str, Any]:
    """Arguments of OPT-006."""
    assert facts.learning_rate is not None
    assert facts.optimiser_steps is not None
    ramp, schedule = facts.warmup_steps or 0, facts.lr_schedule or "constant"
    multiples = summed_multiplier(facts.optimiser_steps, ramp, schedule)
    return {
        "optimiser_steps": facts.optimiser_steps,
        "learning_rate_sum": facts.learning_rate * multiples,
        "from_scratch": facts.initialised_from in (None, "scratch"),
    }


def summed_multiplier(steps: int, warmup_steps: int, schedule: str) -> float:
    """The schedule's multiplier (law LR-002), added up over all steps.

    Args:
        steps: updates in the run.
        warmup_steps: updates of the rise.
        schedule: `constant`, `cosine` or `linear`.
    """
    ramp = min(warmup_steps, steps)
    left = steps - ramp
    # Both decays add up to half their steps and a half: cosines cancel in pairs but for the first.
    decayed = left if schedule == "constant" else (left + 1) / 2 if left else 0
    return decayed + (ramp * (ramp + 1) / (2 * warmup_steps) if ramp else 0)


def average(facts: Facts) -> dict[str, Any]:
    """Arguments of EMA-002."""
    return {"decay": facts.ema_decay, "optimiser_steps": facts.optimiser_steps}


def averaged(facts: Facts) -> bool:
    """Whether the run keeps an average, or may keep one."""
    return facts.ema_decay is not None or not facts.given("ema_decay")


def batch(facts: Facts) -> dict[str, Any]:
    """Arguments of BATCH-001, of another code: how the batch is cut up is not its concern."""
    return {
        "batch_size_per_gpu": facts.batch_size,
        "gpus": 1,
        "gradient_accumulation_steps": 1,
        "data_proportion": facts.data_proportion,
    }


def coupled_decay(facts: Facts) -> dict[str, Any]:
    """Arguments of CFG-002: of its pairs the one that another code can have, in settings that have no other."""
    settings = dict(FORBIDDEN.example["settings"])  # type: ignore[call-overload]
    pair = {"training.optimiser": facts.optimiser, "training.weight_decay": facts.weight_decay}
    return {"settings": settings | pair}


def start(facts: Facts) -> dict[str, Any]:
    """Arguments of CFG-003."""
    return {"initialised_from": facts.initialised_from, "guidance": facts.guidance}
