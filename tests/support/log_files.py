"""Logs for tests: of numbers in memory, and files of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from neuromf.checkout import golden_folder
from neuromf.logs.log import LogColumn, RunLog

REAL = Path(__file__).parents[1] / "unit/diagnosis/logs"
"""Logs that the libraries themselves wrote; see the README there."""


def run_log(axis="step", every=1.0, **columns):
    """A log whose columns have a number at each step."""
    points = {
        name: LogColumn(np.arange(len(values)) * every, np.asarray(values, dtype=float), f"log: {name}")
        for name, values in columns.items()
    }
    return RunLog(name="log", form="a test's log", axis=axis, axis_source=axis, columns=points)


def falling(rows=400, seed=0):
    """A loss that falls, with noise."""
    noise = np.random.default_rng(seed).lognormal(0, 0.1, rows)
    return 4 / (1 + np.arange(rows) / 20) ** 0.6 * noise


def csv_text(delimiter=",", **columns):
    """A table; a cell is written as it is."""
    rows = [delimiter.join(columns)]
    rows += [delimiter.join(map(str, cells)) for cells in zip(*columns.values(), strict=True)]
    return "\n".join(rows) + "\n"


def lost_run_summary(folder):
    """`training_summary.json` of the lost run, with what the review prints of it and nothing else."""
    recorded = {}
    for line in golden_folder().joinpath("failed_225/curve.csv").read_text().splitlines()[1:]:
        epoch, *channels, _, _ = line.split(",")
        recorded[int(epoch)] = [float(channel) for channel in channels]
    records = [{"epoch": e, "global_step": 30 * (e + 1), "loss_mean": 2.0, "loss_std": 0.0} for e in range(225)]
    records[0]["block_grad_norms"] = {"out": 1.398, "middle_block": 1.28e-6}
    for epoch, channels in recorded.items():
        records[epoch]["per_channel_loss"] = channels
    path = folder / "training_summary.json"
    path.write_text(json.dumps(records, indent=1))
    return path
