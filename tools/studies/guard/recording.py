"""What is kept of a real training while the study judges it: the columns that the guard reads, one row a step."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import as_completed
from math import isnan
from pathlib import Path

import pandas as pd

from neuromf.config.resolve import config_hash
from neuromf.monitor.guard.alarm import RawLosses
from neuromf.output import write_output
from neuromf.processes import worker_pool
from neuromf.trace.exact import read_exact
from tools.studies.guard.plan import Training

COLUMNS = ("raw_total", "raw_fm", "raw_mf", "grad_norm", "rho")


def record(training: Training, steps: int) -> pd.DataFrame:
    """Train on one thread; columns `COLUMNS`, NaN where a step has no such number."""
    from neuromf.golden.runner import run_steps, threads

    with threads(1):
        frame = run_steps(training.config, steps).frame
    return pd.DataFrame({name: pd.to_numeric(frame[name]) for name in COLUMNS})


def file_of(training: Training, steps: int, folder: Path) -> Path:
    """Where a record is kept; its configuration is part of the name, so that no other plan's is taken for it."""
    return folder / f"{training.name}.{steps}.{config_hash(training.config)[:12]}.csv"


def recordings(
    todo: list[Training], steps: int, folder: Path, processes: int
) -> Iterator[tuple[Training, pd.DataFrame]]:
    """Record each training, or read what an earlier run recorded in `folder`; as they are done."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {training: file_of(training, steps, folder) for training in todo}
    missing = [training for training, file in files.items() if not file.exists()]
    for training in todo:
        if training not in missing:
            yield training, read_recording(files[training])
    if processes == 1:
        for training in missing:
            _record_to(training, steps, files[training])
            yield training, read_recording(files[training])
        return
    with worker_pool(processes) as pool:
        futures = {pool.submit(_record_to, training, steps, files[training]): training for training in missing}
        for future in as_completed(futures):
            future.result()
            yield futures[future], read_recording(files[futures[future]])


def _record_to(training: Training, steps: int, file: Path) -> None:
    write_recording(record(training, steps), file)


def write_recording(recording: pd.DataFrame, file: Path) -> None:
    """Nine digits, which give every float32 back; an empty cell where a step has no such number."""
    write_output(file, recording.to_csv(index=False, float_format="%.9g", lineterminator="\n"))


def read_recording(file: Path) -> pd.DataFrame:
    """The numbers that were written, to the bit."""
    return read_exact(file, dtype=dict.fromkeys(COLUMNS, "float64"))


def losses_of(recording: pd.DataFrame) -> Iterator[RawLosses]:
    """The recorded steps as the guard sees them."""
    for total, flow, meanflow, norm in recording[list(COLUMNS[:4])].to_numpy(dtype=float).tolist():
        yield RawLosses(total, None if isnan(flow) else flow, None if isnan(meanflow) else meanflow, norm)
