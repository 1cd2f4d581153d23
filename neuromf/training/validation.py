"""Configurations that torch cannot run, refused before anything is computed or written (laws JVP-004, CFG-002)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuromf_spec.laws.forbidden_pairs import ForbiddenPair, impossible_pairs

from neuromf.config.derived import pair_settings
from neuromf.config.resolve import flat_config
from neuromf.config.schema import Config
from neuromf.errors import InputError

if TYPE_CHECKING:  # the static gate asks here too, and imports no torch
    from neuromf.training.process_group.ranks import ProcessGroup


def impossible(config: Config) -> list[ForbiddenPair]:
    """Pairs of options in `config` that torch cannot run together."""
    return impossible_pairs(pair_settings(config))


def refuse_uneven(config: Config, group: ProcessGroup) -> None:
    """Stop a run whose micro-batches cannot be dealt out evenly to its processes.

    Raises:
        InputError: naming the counts.
    """
    training = config.training
    total = training.gpus * training.gradient_accumulation_steps
    if total % group.size:
        problem = f"{total} micro-batches a step (with gpus {training.gpus}) cannot be shared by {group.size} processes"
        remedy = f"start as many processes as training.gpus says, or set training.gpus={group.size}"
        raise InputError(problem, remedy=remedy, key="training.gradient_accumulation_steps")


def refuse_impossible(config: Config) -> None:
    """Stop a run that would end in an error of torch's own.

    Raises:
        InputError: two options of it cannot stand together.
    """
    settings = flat_config(config)
    for pair in impossible(config):
        problem = f"not with {pair.keys[0]}: {settings[pair.keys[0]]}, for {pair.reason} (law {pair.law})"
        raise InputError(problem, remedy=f"set {pair.passing_value}", key=pair.keys[1])
