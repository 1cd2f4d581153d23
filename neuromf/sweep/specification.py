"""The file of a sweep: which configurations are trained, with which seeds, for how long, and how they are judged."""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from neuromf.config.recipe_files import is_recipe
from neuromf.config.schema import ConfigSection
from neuromf.config.yaml_file import read_yaml_mapping
from neuromf.errors import InputError

Key = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")]
Values = Annotated[list[Any], Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Metric = Literal["val_total", "val_fm", "val_mf"]


class Range(ConfigSection):
    """Numbers from which an arm's value is drawn."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.low < self.high:  # written so that NaN is refused
            raise ValueError("low must be below high")
        if self.log and not self.low > 0:
            raise ValueError("low must be above 0 on a log scale")
        return self


class RandomArms(ConfigSection):
    """Arms whose values are drawn, each key by itself: from a range, or from a list."""

    count: Annotated[int, Field(ge=1, le=10_000)]
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    keys: Annotated[dict[Key, Range | Values], Field(min_length=1)]


class Halving(ConfigSection):
    """Successive halving: after `first_epochs` one arm in `factor` goes on, `factor` times as long, and so on."""

    factor: Annotated[int, Field(ge=2, le=100)] = 2
    first_epochs: Annotated[int, Field(ge=1)]


class Budget(ConfigSection):
    """What all trainings together may cost; none begins that would need more."""

    steps: Annotated[int, Field(ge=1)] | None = None
    hours: Annotated[float, Field(gt=0)] | None = None


class SweepFile(ConfigSection):
    """A whole file."""

    about: str = ""
    base: Annotated[list[str], Field(min_length=1)]
    settings: dict[Key, Any] = Field(default_factory=dict)
    one_at_a_time: dict[Key, Values] = Field(default_factory=dict)
    grid: dict[Key, Values] = Field(default_factory=dict)
    named: dict[str, dict[Key, Any]] = Field(default_factory=dict)
    random: RandomArms | None = None
    seeds: list[Seed] = Field(default_factory=lambda: [0, 1, 2], min_length=1)
    metric: Metric = "val_mf"
    halving: Halving | None = None
    budget: Budget = Budget()
    gate: Literal["static", "full"] = "static"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds must differ")
        if not (self.one_at_a_time or self.grid or self.named or self.random):
            raise ValueError("no arms: give one_at_a_time, grid, named or random")
        return self


def shipped() -> list[str]:
    """Names of the sweeps that come with neuromf."""
    folder = resources.files("neuromf.sweep").joinpath("recipes")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def read_sweep(name: str) -> SweepFile:
    """Read a sweep; relative files of its `base` count from its folder.

    Args:
        name: path of a file, or name of a sweep that comes with neuromf.

    Raises:
        InputError: there is none, or it says something that a sweep does not know.
    """
    if name in shipped() and not os.path.isfile(name):
        with resources.as_file(resources.files("neuromf.sweep").joinpath("recipes", f"{name}.yaml")) as path:
            return _checked(path)
    path = Path(name)
    if not path.is_file():
        remedy = f"name a YAML file, or one of {', '.join(shipped())}"
        raise InputError("is neither a file nor a sweep that comes with neuromf", remedy=remedy, file=path)
    return _checked(path)


def _checked(path: Path) -> SweepFile:
    tree = read_yaml_mapping(path)
    try:
        found = SweepFile.model_validate_json(json.dumps(tree))
    except (TypeError, ValueError) as error:
        if isinstance(error, ValidationError):
            raise _refusal(error, path) from error
        problem, remedy = f"holds what is no number, text or list ({error})", "write it as text, in quotes"
        raise InputError(problem, remedy=remedy, file=path) from error
    layers = [layer if is_recipe(layer) else os.path.join(path.parent, layer) for layer in found.base]
    return found.model_copy(update={"base": layers})


def _refusal(error: ValidationError, path: Path) -> InputError:
    """The first fault, with what may stand there."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"] if part not in ("Range", "list[any]"))
    if first["type"] == "extra_forbidden":
        return InputError("unknown key", remedy=f"the keys are {', '.join(SweepFile.model_fields)}", file=path, key=key)
    if first["type"] == "value_error":
        problem, _, remedy = first["msg"].removeprefix("Value error, ").partition(": ")
        return InputError(problem, remedy=remedy or "correct it", file=path, key=key or None)
    if first["type"] == "missing":
        return InputError("is missing", remedy="add it", file=path, key=key)
    problem = f"{first['input']!r} is not allowed here"
    if first["type"] == "string_pattern_mismatch":
        remedy = "write section.key, as `neuromf train --set` takes it"
        return InputError(problem, remedy=remedy, file=path, key=key.removesuffix(".[key]"))
    return InputError(problem, remedy=first["msg"][0].lower() + first["msg"][1:], file=path, key=key)
