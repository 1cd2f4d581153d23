"""Runs a golden case: the trainer's own steps on the shipped latents, without checkpoints, samples or files."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from safetensors.torch import load_file

from neuromf.checkout import golden_folder
from neuromf.comparison.table import TraceTable, table_from_frame
from neuromf.config.schema import Config
from neuromf.data.covariates import stand_in_covariates
from neuromf.trace.cells import format_cell
from neuromf.trace.columns import COLUMNS, Row, TraceRow, columns_in
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.state import TrainState, initial_state
from neuromf.training.step.train_step import train_step

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


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with this many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def golden_latents() -> torch.Tensor:
    """The latents that every case trains on, (6, 4, 8, 8, 8): heads of the demo cohort, encoded and normalised."""
    return load_file(golden_folder() / "latents.safetensors")["latents"]


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
    source = BatchSource(latents, config, CPU, stand_in_covariates(config, len(latents)))
    rows: list[TraceRow] = []
    while len(rows) < steps:
        rows.append(train_step(state, source, config).row)
        if state.step < len(rows):  # frozen on a number that is not finite: the rest would repeat it
            break
    return CaseRun(frame_of_rows(rows), _weights(state))


def frame_of_rows(rows: Sequence[Row]) -> pd.DataFrame:
    """Cells rounded as a trace file rounds them, so that a golden in memory equals the one on disk."""
    cells: dict[str, list[object]] = {}
    for column in columns_in(rows[0]) if rows else COLUMNS:
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
