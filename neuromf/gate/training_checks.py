"""Static checks of training, data and monitoring: from a configuration to the arguments of their laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuromf_spec.reference.schedule import lr_multiplier as closed_form

from neuromf.config.derived import RunFacts, pair_settings
from neuromf.config.schema import Config
from neuromf.data.chosen import Cohort
from neuromf.data.cohort import Scan, subject_id
from neuromf.data.splits import SPLIT_NAMES, split_scans, split_subjects
from neuromf.data.subjects import alike_guesses
from neuromf.facts.objective_arguments import fm_share, operating_point
from neuromf.facts.of_config import facts_of
from neuromf.gate.check import Arguments, Check
from neuromf.monitor.guard.guard import guard_arguments
from neuromf.trace.columns import columns_of
from neuromf.training.held_out.cost import arithmetic_share
from neuromf.training.held_out.timetable import validations
from neuromf.training.step.schedule import lr_multiplier


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


def _average_type(config: Config, facts: RunFacts) -> Arguments | None:
    decay = config.ema.decay
    if decay is None:
        return None
    # The trainer keeps its average in float32; how often it is updated is judged while it runs.
    return {"decay": decay, "optimiser_steps": facts.optimiser_steps, "dtype": "float32"}


def _batch(config: Config, _: RunFacts) -> Arguments:
    training = config.training
    return {
        "batch_size_per_gpu": training.batch_size_per_gpu,
        "gpus": training.gpus,
        "gradient_accumulation_steps": training.gradient_accumulation_steps,
        "data_proportion": config.time_sampling.data_proportion,
        "run": (training.epochs, training.micro_batches_per_epoch),
    }


def _power(config: Config, _: RunFacts) -> Arguments:
    return {"power": config.meanflow.loss_power}


def _guard(config: Config, _: RunFacts) -> Arguments:
    return guard_arguments(config)


def _columns(config: Config, _facts: RunFacts) -> Arguments:
    channels = config.vae.latent_channels
    return {"recorded": tuple(column.name for column in columns_of(channels)), "channels": channels}


def _keys(_config: Config, _facts: RunFacts) -> Arguments:
    # A configuration that loaded holds no key outside the schema: loading refuses it.
    return {"unknown": ()}


def _settings(config: Config, _: RunFacts) -> Arguments:
    return {"settings": pair_settings(config)}


def _split(config: Config, _: RunFacts) -> Arguments:
    """The split that the configuration asks for, by the ids that the cohort has on disk or will have."""
    cohort = Cohort(config.data)
    return split_arguments(config, cohort.scans, cohort.splits)


def split_arguments(config: Config, scans: Sequence[Scan], splits: Mapping[str, str] | None = None) -> Arguments:
    """What DATA-002 judges of these scans; of the built-in cohort's subjects where there are none.

    Args:
        config: which split is asked for.
        scans: the cohort.
        splits: what `split_scans` gives of it, where it was asked already.
    """
    data = config.data
    ids = [scan.subject for scan in scans] or [subject_id(index) for index in range(data.demo_subjects)]
    split = (data.split_ratios, data.split_seed)
    split_of = splits or (split_scans(scans, *split) if scans else split_subjects(ids, *split))
    homes: dict[str, set[str]] = {}
    for subject in ids:
        homes.setdefault(subject, set()).add(split_of[subject])
    guessed = [scan.subject for scan in scans if scan.guessed]
    asked = [name for name, ratio in zip(SPLIT_NAMES, data.split_ratios, strict=True) if ratio > 0]
    return {
        "shared_subjects": sum(len(names) > 1 for names in homes.values()),
        "empty_splits": [name for name in asked if name not in split_of.values()],
        "unnamed_scans": len(guessed),
        "alike": alike_guesses(sorted(set(guessed))) or (),
        "subjects": len(split_of),
    }


def _validation(config: Config, _: RunFacts) -> Arguments | None:
    """What there is to validate on, where the run validates."""
    if not config.training.validate_every_epochs:
        return None
    return validation_arguments(config, Cohort(config.data).scans)


def validation_arguments(config: Config, scans: Sequence[Scan]) -> Arguments | None:
    """What VAL-001 judges of these scans, or of the built-in cohort's; None where the run does not validate."""
    if not config.training.validate_every_epochs:
        return None
    trained, held_out = _subjects_of(config, scans)
    return {
        "subjects": held_out,
        "training_subjects": trained,
        "metric": config.training.validation_metric,
        "data_proportion": config.time_sampling.data_proportion,
        "dual": config.meanflow.loss_terms == "dual",
    }


def _subjects_of(config: Config, scans: Sequence[Scan]) -> tuple[int, int]:
    """Subjects of the training and of the validation split."""
    data = config.data
    split = (data.split_ratios, data.split_seed)
    made = [subject_id(index) for index in range(data.demo_subjects)]
    split_of = split_scans(scans, *split) if scans else split_subjects(made, *split)
    names = list(split_of.values())
    return names.count("train"), names.count("validation")


def _patience(config: Config, _: RunFacts) -> Arguments | None:
    patience = config.training.early_stop_patience
    return None if patience is None else {"patience": patience, "validations": validations(config)}


def _validation_share(config: Config, _: RunFacts) -> Arguments | None:
    """What validations cost, where there are any."""
    if not config.training.validate_every_epochs:
        return None
    return share_arguments(config, Cohort(config.data).scans)


def share_arguments(config: Config, scans: Sequence[Scan]) -> Arguments | None:
    """What VAL-003 judges of these scans, or of the built-in cohort's; None where the run does not validate."""
    if not config.training.validate_every_epochs:
        return None
    pairs = min(config.training.validation_scans, *_subjects_of(config, scans))
    return {"share": arithmetic_share(config, pairs)}


def _report(config: Config, _: RunFacts) -> Arguments:
    # The trained loss is the lowest of the run: what is saturated there is saturated throughout.
    facts = facts_of(config)
    return {**operating_point(facts), "reported": config.training.reported_loss}


def _fm_share(config: Config, _: RunFacts) -> Arguments:
    run = (config.training.epochs, config.training.micro_batches_per_epoch)
    return {**fm_share(facts_of(config)), "run": run}


def _reduction(config: Config, facts: RunFacts) -> Arguments:
    return {
        "reduction": config.meanflow.reduction,
        "norm_eps": config.meanflow.norm_eps,
        "norm_p": config.meanflow.norm_p,
        "dims": facts.latent_dims,
    }


CHECKS = (
    Check("TIME-002", "time_sampling.data_proportion", _fm_share),
    Check("WGT-002", "training.reported_loss", _report),
    Check("WGT-003", "meanflow.reduction", _reduction),
    Check("LOSS-003", "meanflow.loss_power", _power),
    Check("LR-001", "training.lr_schedule", _first_multiplier),
    Check("LR-002", "training.lr_schedule", _worst_multiplier),
    Check("EMA-001", "ema.decay", _average_type),
    Check("BATCH-001", "training.gradient_accumulation_steps", _batch),
    Check("DATA-002", "data.split_ratios", _split),
    Check("VAL-001", "training.validate_every_epochs", _validation),
    Check("VAL-002", "training.early_stop_patience", _patience),
    Check("VAL-003", "training.validate_every_epochs", _validation_share),
    Check("GUARD-001", "training.divergence_threshold", _guard),
    Check("OBS-001", "training.diagnostics", _columns),
    Check("CFG-001", "", _keys),
    Check("JVP-004", "", _settings),
    Check("CFG-002", "", _settings),
)
