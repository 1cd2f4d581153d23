"""The arms of a sweep: its base, and what each of the others changes of it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuromf.config.load import load_config
from neuromf.config.resolve import config_hash
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.sweep.random_arms import drawn_settings
from neuromf.sweep.specification import SweepFile

BASE = "base"
SEED = "training.seed"


@dataclass(frozen=True)
class SweepArm:
    """One configuration, trained with every seed.

    Attributes:
        number: its place in the sweep, from 0.
        name: what it changes.
        layers: recipe and files.
        settings: all that is set over them, by dotted key, but for the seed.
        config: what that loads to, with the first seed.
    """

    number: int
    name: str
    layers: tuple[str, ...]
    settings: Mapping[str, Any]
    config: Config

    def overrides(self, seed: int) -> list[str]:
        """`--set` arguments of its training with a seed."""
        return [override_of(*item) for item in {**self.settings, SEED: seed}.items()]

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return f"{self.number:02d}-" + re.sub(r"[^A-Za-z0-9_.=+-]+", "_", self.name)[:60]


def override_of(key: str, value: object) -> str:
    """A setting as `--set` takes it."""
    return f"{key}={json.dumps(value)}"


def arms_of(sweep: SweepFile, every: int, file: str) -> list[SweepArm]:
    """The base, then every arm that is not the same configuration as one before it.

    Args:
        sweep: the file.
        every: epochs from one validation to the next.
        file: its name, for messages.

    Raises:
        InputError: an arm that no training could have, by its name.
    """
    common = _common(sweep, every)
    found: dict[str, SweepArm] = {}
    for name, change in [(BASE, {}), *_changes(sweep)]:
        if SEED in change or SEED in common:
            raise InputError("cannot be swept", remedy="give the seeds under `seeds`", file=file, key=SEED)
        arm = _arm(len(found), name, sweep, {**common, **change}, file)
        found.setdefault(config_hash(arm.config), arm)
    if len(found) < 2:
        raise InputError("every arm is the base itself", remedy="give other values", file=file)
    return list(found.values())


def epochs_of(sweep: SweepFile, file: str) -> int:
    """Length of a whole run, which is the same for all arms.

    Raises:
        InputError: the base is no configuration.
    """
    return _arm(0, BASE, sweep, _common(sweep, every=1), file).config.training.epochs


def _common(sweep: SweepFile, every: int) -> dict[str, Any]:
    """What every arm is told; the sweep decides when is validated, and runs of one length are compared."""
    return {**sweep.settings, "training.validate_every_epochs": every, "training.early_stop_patience": None}


def _arm(number: int, name: str, sweep: SweepFile, settings: Mapping[str, Any], file: str) -> SweepArm:
    overrides = [override_of(*item) for item in {**settings, SEED: sweep.seeds[0]}.items()]
    try:
        config = load_config(sweep.base, overrides)
    except InputError as error:
        raise InputError(f"arm '{name}': {error.problem}", remedy=error.remedy, file=file, key=error.key) from error
    return SweepArm(number, name, tuple(sweep.base), settings, config)


def _changes(sweep: SweepFile) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, values in sweep.one_at_a_time.items():
        for value in values:
            yield _named({key: value})
    for cells in itertools.product(*sweep.grid.values()) if sweep.grid else ():
        yield _named(dict(zip(sweep.grid, cells, strict=True)))
    for name, change in sweep.named.items():
        yield name, change
    for change in drawn_settings(sweep.random) if sweep.random is not None else ():
        yield _named(change)


def _named(change: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return " ".join(f"{key}={shown(value)}" for key, value in change.items()), dict(change)


def shown(value: object) -> str:
    """A value as a person writes it."""
    return f"{value:.4g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)


def run_folder(out: Path, arm: SweepArm, seed: int) -> Path:
    """Where an arm's training with a seed is recorded."""
    return out / "runs" / arm.slug / f"seed-{seed}"


def differing_keys(arms: Sequence[SweepArm]) -> set[str]:
    """Keys that any arm sets otherwise than the base."""
    base = arms[0].settings
    return {key for arm in arms[1:] for key, value in arm.settings.items() if key not in base or base[key] != value}
