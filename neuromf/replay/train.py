"""Small trainings with the failed run's settings and with repairs, each summed up epoch by epoch."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from neuromf.config.derived import epoch_of_step
from neuromf.config.schema import Config
from neuromf.output import write_output
from neuromf.processes import worker_pool
from neuromf.replay.small_scale import EPOCHS, REPAIRS, small_config
from neuromf.trace.columns import COLUMNS as TRACE_COLUMNS
from neuromf.trace.exact import read_exact
from neuromf.trace.reader import read_trace

COLUMNS = ("raw_fm", "raw_mf", "raw_ch0", "raw_ch1", "raw_ch2", "raw_ch3", "weighted", "grad_norm", "lr")
"""What a curve keeps: the median over each epoch's steps."""
ALWAYS = tuple(column.name for column in TRACE_COLUMNS if column.name in COLUMNS and not column.optional)
"""Those of them that every step has a number of, so that NaN in a table is one."""


@dataclass(frozen=True)
class ReplayTraining:
    """One training to be done.

    Attributes:
        repair: name of the repair.
        seed: of weights and batches.
        epochs: length.
        file: CSV to write.
    """

    repair: str
    seed: int
    epochs: int
    file: Path


def jobs(folder: Path, names: list[str], seeds: int, epochs: int = EPOCHS) -> list[ReplayTraining]:
    """Trainings whose curves are not in `folder` yet."""
    planned = [ReplayTraining(n, seed, epochs, folder / f"{n}.seed{seed}.csv") for seed in range(seeds) for n in names]
    return [job for job in planned if not job.file.exists()]


def run_jobs(
    todo: list[ReplayTraining], processes: int, on_step: Callable[[int, int, str], None] | None = None
) -> Iterator[tuple[ReplayTraining, str]]:
    """Do the trainings, several at once; yield each with the sentence it ended with.

    A curve is written when its training is done, so that an interrupted series goes on where it was.
    """
    if processes == 1:
        for job in todo:
            yield job, _run(job, on_step)
        return
    with worker_pool(processes) as pool:
        futures = {pool.submit(_run, job): job for job in todo}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _run(job: ReplayTraining, on_step: Callable[[int, int, str], None] | None = None) -> str:
    import torch

    from neuromf.training.latents.store import training_store
    from neuromf.training.loop import train
    from neuromf.training.records.run_folder import create_run
    from neuromf.training.step.train_step import StepRecord

    torch.set_num_threads(1)
    repair = next(repair for repair in REPAIRS if repair.name == job.repair)
    config = small_config(repair, job.seed, job.epochs)
    store = training_store(config)

    def show(record: StepRecord) -> None:
        if on_step is not None:
            row = record.row
            on_step(row["step"] + 1, 30 * job.epochs, f"weighted {row['weighted']:.4f} MF {row['raw_mf']:.3g}")

    with tempfile.TemporaryDirectory() as scratch:
        run = create_run(Path(scratch) / "run", config, store.description.content_hash)
        outcome = train(config, store.split("train"), run, device=torch.device("cpu"), on_step=show)
        curve = epoch_curve(read_trace(run.trace), config)
    job.file.parent.mkdir(parents=True, exist_ok=True)
    write_output(job.file, curve.to_csv(float_format="%.6g", lineterminator="\n"))
    return f"{outcome.ending.value} at step {outcome.step}"


def epoch_curve(trace: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Median over the steps of each epoch, and the spread of the weighted loss, by epoch.

    An epoch with a number that is not finite has no number at all: pandas' median would pass over a NaN.
    """
    epoch = pd.Series([epoch_of_step(config, int(step)) for step in trace["step"]], name="epoch")
    groups = trace.groupby(epoch)
    curve = groups[list(COLUMNS)].median()
    curve["weighted_std"] = groups["weighted"].std(ddof=0)
    whole = trace[list(ALWAYS)].map(math.isfinite).all(axis=1)
    curve.loc[~whole.groupby(epoch).all()] = np.nan
    return curve


def read_curves(folder: Path, names: list[str], seeds: int) -> dict[str, list[pd.DataFrame]]:
    """Curves by repair, one a seed, as far as they are there."""
    files = {name: [folder / f"{name}.seed{seed}.csv" for seed in range(seeds)] for name in names}
    return {name: [read_exact(f, index_col="epoch") for f in paths if f.exists()] for name, paths in files.items()}
