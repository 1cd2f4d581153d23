"""A golden case: a short training whose trace is kept, with its configuration, purpose and files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from neuromf_spec.registry import laws
from pydantic import BaseModel, ConfigDict, Field

from neuromf.checkout import golden_folder
from neuromf.config.load import load_config
from neuromf.config.schema import Config
from neuromf.errors import InputError

FOLDER = golden_folder() / "cases"
MOST_STEPS = 60
SMALL = (
    "data.spacing_mm=6.0",
    "data.shape=[32,32,32]",
    "unet.channels=[8,16]",
    "unet.attention_levels=[false,true]",
    "unet.head_channels=8",
    "unet.num_res_blocks=1",
    "unet.norm_num_groups=4",
    "training.batch_size_per_gpu=4",
    "training.gpus=1",
    "training.gradient_accumulation_steps=2",
    "training.epochs=10",
    "training.micro_batches_per_epoch=12",
    "training.diagnostics=false",
)
"""Every case starts from the smoke recipe at this size: sixty optimiser steps of eight latents of 4 x 8^3."""


class Contract(BaseModel):
    """`case.toml`, written by hand."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    about: Annotated[str, Field(min_length=1)]
    overrides: list[str]
    steps: Annotated[int, Field(ge=2, le=MOST_STEPS)]
    laws: Annotated[list[str], Field(min_length=1)]


@dataclass(frozen=True)
class GoldenCase:
    """One case.

    Attributes:
        name: of its folder.
        folder: where its files are.
        contract: what is trained and which laws it stands for.
    """

    name: str
    folder: Path
    contract: Contract

    @property
    def config(self) -> Config:
        """The configuration it trains."""
        return load_config(["smoke"], [*SMALL, *self.contract.overrides])

    @property
    def lane(self) -> str:
        """Device and precision that it is trained with."""
        return f"cpu-{self.config.training.precision}"

    @property
    def trace(self) -> Path:
        """The golden trace."""
        return self.folder / f"trace.{self.lane}.csv"

    @property
    def tolerances(self) -> Path:
        """Measured noise and effects, and the tolerance that follows, by column."""
        return self.folder / "tolerances.csv"

    @property
    def effects(self) -> Path:
        """What each fault does to each column, and where it is first seen."""
        return self.folder / "effects.csv"

    @property
    def provenance(self) -> Path:
        """Where, when, from which commit and why the trace was made."""
        return self.folder / "provenance.json"


def case_names(root: Path = FOLDER) -> list[str]:
    """Names of all cases."""
    return sorted(path.parent.name for path in root.glob("*/case.toml"))


def read_case(name: str, root: Path = FOLDER) -> GoldenCase:
    """Read a case's contract.

    Raises:
        InputError: there is no such case, or its contract has a fault.
    """
    path = root / name / "case.toml"
    if name not in case_names(root):
        remedy = f"use one of {', '.join(case_names(root)) or 'none so far'}"
        raise InputError(f"'{name}' is no golden case", remedy=remedy)
    try:
        contract = Contract.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        problem = f"is no contract ({' '.join(str(error).split())[:160]})"
        raise InputError(problem, remedy="give about, overrides, steps and laws", file=path) from error
    unknown = [law_id for law_id in contract.laws if law_id not in laws()]
    if unknown:
        raise InputError(f"{unknown[0]} is no law", remedy="see `neuromf laws list`", file=path, key="laws")
    return GoldenCase(name, path.parent, contract)
