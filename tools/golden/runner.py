"""Run a golden case: the trainer's own steps on the shipped latents, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import as_file, files

import pandas as pd
import torch
from safetensors.torch import load_file

from neuromf.config.schema import Config
from neuromf.trace.cells import format_cell
from neuromf.trace.columns import COLUMNS, Row
from neuromf.train.batches import BatchSource
from neuromf.train.state import TrainState, initial_state
from neuromf.train.step import train_step
from tools.compare.table import TraceTable, table_from_frame

CPU = torch.device("cpu")


@dataclass(frozen=True)
class CaseRun:
    """What a run of a case left.

    Attributes:
        frame: its trace, cells as a trace file holds them.
        weights_sha256: of all weights after the last step.
    """

    frame: pd.DataFrame
    weights_sha256: str

    @property
    def table(self) -> TraceTable:
        """The trace as arrays."""
        return table_from_frame(self.frame)

    @property
    def csv(self) -> str:
        """The trace as a file."""
        return str(self.frame.to_csv(index=False, lineterminator="\n", na_rep="nan"))


def golden_latents() -> torch.Tensor:
    """The latents that every case trains on, (6, 4, 8, 8, 8): heads of the demo cohort, encoded and normalised."""
    with as_file(files("golden").joinpath("latents.safetensors")) as path:
        return load_file(path)["latents"]


def run_steps(config: Config, steps: int, prepare: Callable[[TrainState], None] | None = None) -> CaseRun:
    """Train `steps` optimiser steps, on as many threads as the caller has set.

    Args:
        config: what is trained.
        steps: how long.
        prepare: applied to the state before the first step.
    """
    latents = golden_latents()
    std = tuple(latents.double().std(dim=(0, 2, 3, 4), correction=0).tolist())
    state = initial_state(config, std, CPU)
    if prepare is not None:
        prepare(state)
    source = BatchSource(latents, config, CPU)
    rows: list[Row] = []
    while len(rows) < steps:
        rows.append(train_step(state, source, config).row)
        if state.step < len(rows):  # frozen on a number that is not finite: the rest would repeat it
            break
    return CaseRun(_frame(rows), _weights(state))


def _frame(rows: list[Row]) -> pd.DataFrame:
    """Cells rounded as a trace file rounds them, so that a golden in memory equals the one on disk."""
    cells: dict[str, list[object]] = {}
    for column in COLUMNS:
        texts = [format_cell(row[column.name], column.kind) for row in rows]
        keep = column.kind == "text" or column.optional
        cells[column.name] = list(texts) if keep else [{"int": int, "float": float}[column.kind](t) for t in texts]
    return pd.DataFrame(cells)


def _weights(state: TrainState) -> str:
    digest = hashlib.sha256()
    for name, value in state.model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
