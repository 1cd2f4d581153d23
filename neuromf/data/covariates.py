"""Covariates as inputs of the network, and the table of them that a run keeps."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from neuromf.config.covariates import Covariate, parse_covariates
from neuromf.config.schema import Config, CovariatesConfig
from neuromf.errors import InputError
from neuromf.output import whole_file

COVARIATES = "covariates.csv"
"""Name of the table, among what a run keeps of its latents."""


@dataclass(frozen=True)
class Covariates:
    """Covariates of the scans of a run, encoded, in the order of its latents.

    Attributes:
        training: (N, K), zeros where nothing is known.
        validation: of the validation split, likewise.
    """

    training: Tensor
    validation: Tensor


def encode_row(columns: Sequence[Covariate], row: Mapping[str, str]) -> list[float]:
    """Inputs of the network for one sample; what `row` does not say is not known.

    Raises:
        ValueError: a value is none that its covariate has.
    """
    return [value for one in columns for value in one.encode(row.get(one.name, ""))]


def encode_rows(config: CovariatesConfig, rows: Sequence[Mapping[str, str]]) -> Tensor:
    """Covariates (N, K), float32.

    Raises:
        ValueError: as `encode_row`.
    """
    columns = parse_covariates(config.columns)
    width = sum(one.width for one in columns)
    return torch.tensor([encode_row(columns, row) for row in rows], dtype=torch.float32).reshape(len(rows), width)


def drawn_covariates(config: CovariatesConfig, count: int, generator: np.random.Generator) -> Tensor | None:
    """Covariates (count, K) of nobody, for trainings on latents that come without: numbers and classes at random."""
    columns = parse_covariates(config.columns)
    if not columns:
        return None
    rows = [{one.name: _drawn(one, generator) for one in columns} for _ in range(count)]
    return encode_rows(config, rows)


def stand_in_covariates(config: Config, count: int) -> Tensor | None:
    """Drawn by the run's seed, where a gate, a golden case or a bisect trains `config` on latents of nobody."""
    return drawn_covariates(config.covariates, count, np.random.default_rng(config.training.seed))


def _drawn(one: Covariate, generator: np.random.Generator) -> str:
    if one.bounds is None:
        return one.classes[int(generator.integers(len(one.classes)))]
    low, high = one.bounds
    return f"{low + (high - low) * generator.random():.17g}"


def write_covariates(folder: Path, rows: Mapping[str, Mapping[str, str]]) -> None:
    """Write the table; nothing where there are no covariates.

    Args:
        folder: of what a run keeps of its latents.
        rows: by scan id.
    """
    if not rows:
        return
    names = list(next(iter(rows.values())))
    with (
        whole_file(folder / COVARIATES) as staging,
        staging.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["scan_id", *names])
        writer.writerows([scan_id, *(row[name] for name in names)] for scan_id, row in rows.items())


def read_covariates(
    folder: Path, config: CovariatesConfig, training: Sequence[str], validation: Sequence[str]
) -> Covariates | None:
    """The covariates that a run began with; None where it has none.

    Args:
        folder: of what the run keeps of its latents.
        config: which covariates.
        training: ids of the scans of the training split, in order.
        validation: of the validation split, likewise.

    Raises:
        InputError: the table is missing, damaged, or lacks a scan.
    """
    if not config.columns:
        return None
    path = folder / COVARIATES
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
            names = [one.name for one in parse_covariates(config.columns)]
            rows = {row["scan_id"]: {name: row[name] for name in names} for row in csv.DictReader(stream)}
        encoded = [encode_rows(config, [rows[scan_id] for scan_id in split]) for split in (training, validation)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        remedy = "restore the file from a copy of the run"
        raise InputError(f"not readable ({error!r})", remedy=remedy, file=path) from error
    return Covariates(*encoded)


def given_covariates(config: CovariatesConfig, given: Mapping[str, str], count: int) -> Tensor | None:
    """Covariates (count, K) of samples that are asked for, all the same; None for a network that is told of none.

    Args:
        config: which covariates the network is told of.
        given: value by name; what is not given is not known.
        count: number of samples.

    Raises:
        InputError: the run has no such covariate, or it has no such value.
    """
    columns = {one.name: one for one in parse_covariates(config.columns)}
    for name, text in given.items():
        if name not in columns:
            remedy = f"give {' or '.join(columns)}" if columns else "leave it out"
            raise InputError(f"the run is told of no covariate {name!r}", remedy=remedy, key="--given")
        try:
            columns[name].encode(text)
        except ValueError as error:
            raise InputError(f"{name}: {error}", remedy="give another value", key="--given") from error
    return encode_rows(config, [given] * count) if columns else None
