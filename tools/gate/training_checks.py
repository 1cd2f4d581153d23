"""From a configuration's training to the numbers that its laws judge."""

from __future__ import annotations

from neuromf.config.derived import RunFacts
from neuromf.config.schema import Config
from neuromf.monitor.guard import guard_arguments
from neuromf.trace.columns import NAMES
from neuromf.train.schedule import lr_multiplier
from spec.reference.schedule import lr_multiplier as closed_form
from tools.gate.check import Arguments, Check


def _first_multiplier(config: Config, facts: RunFacts) -> Arguments:
    warmup, schedule = config.training.warmup_steps, config.training.lr_schedule
    multiplier = lr_multiplier(0, facts.optimiser_steps, warmup, schedule)
    return {"multiplier": multiplier, "schedule": schedule, "warmup_steps": warmup}


def _worst_multiplier(config: Config, facts: RunFacts) -> Arguments:
    """The trainer's own multiplier at the step that errs most, among those where a schedule turns."""
    warmup, total, schedule = config.training.warmup_steps, facts.optimiser_steps, config.training.lr_schedule
    turns = {0, 1, warmup - 1, warmup, warmup + 1, total // 2, total - 1}
    turns = {step for step in turns if 0 <= step < total}
    actual = {step: lr_multiplier(step, total, warmup, schedule) for step in turns}
    worst = max(turns, key=lambda step: abs(actual[step] - closed_form(step, total, warmup, schedule)))
    return {
        "multiplier": actual[worst],
        "step": worst,
        "total_steps": total,
        "warmup_steps": warmup,
        "schedule": schedule,
    }


def _warmup(config: Config, facts: RunFacts) -> Arguments:
    return {"warmup_steps": config.training.warmup_steps, "optimiser_steps": facts.optimiser_steps}


def _moments(config: Config, facts: RunFacts) -> Arguments:
    training = config.training
    return {"beta1": training.beta1, "beta2": training.beta2, "optimiser_steps": facts.optimiser_steps}


def _average(config: Config, facts: RunFacts) -> Arguments:
    return {"decay": config.ema.decay, "optimiser_steps": facts.optimiser_steps}


def _batch(config: Config, _: RunFacts) -> Arguments:
    training = config.training
    return {
        "batch_size_per_gpu": training.batch_size_per_gpu,
        "gpus": training.gpus,
        "gradient_accumulation_steps": training.gradient_accumulation_steps,
        "data_proportion": config.time_sampling.data_proportion,
    }


def _guard(config: Config, _: RunFacts) -> Arguments:
    return guard_arguments(config.training)


def _columns(_config: Config, _facts: RunFacts) -> Arguments:
    return {"recorded": NAMES}


def _keys(_config: Config, _facts: RunFacts) -> Arguments:
    # A configuration that loaded holds no key outside the schema: loading refuses it.
    return {"unknown": ()}


CHECKS = (
    Check("LR-001", "training.lr_schedule", _first_multiplier),
    Check("LR-002", "training.lr_schedule", _worst_multiplier),
    Check("LR-003", "training.warmup_steps", _warmup),
    Check("OPT-001", "training.beta2", _moments),
    Check("EMA-002", "ema.decay", _average),
    Check("BATCH-001", "training.gradient_accumulation_steps", _batch),
    Check("GUARD-001", "training.divergence_threshold", _guard),
    Check("OBS-001", "training.diagnostics", _columns),
    Check("CFG-001", "", _keys),
)
