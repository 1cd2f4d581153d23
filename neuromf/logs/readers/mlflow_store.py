"""MLflow's file store: a folder a run, in it a file a metric, in that a line a point: time, value, step."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from neuromf.errors import InputError
from neuromf.logs.log import LoggedPoints, PointLog
from neuromf.trace.exact import read_exact

METRICS, META = "metrics", "meta.yaml"
COLUMNS = ("time", "value", "step")
"""Of a file; the time is in milliseconds."""


def is_mlflow_run(folder: Path) -> bool:
    """Whether a folder is a run of a file store."""
    return (folder / META).is_file() and (folder / METRICS).is_dir()


def mlflow_runs(folder: Path) -> list[Path]:
    """Runs of an experiment or of a whole store, two levels deep at most, in the order of their names."""
    return sorted(path for pattern in ("*", "*/*") for path in folder.glob(pattern) if is_mlflow_run(path))


def read_mlflow_run(folder: Path, name: str) -> PointLog:
    """The metrics of a run.

    Raises:
        InputError: it has none, or one of its files is no metric's.
    """
    files = sorted(path for path in (folder / METRICS).rglob("*") if path.is_file())
    metrics, cut = {}, []
    for path in files:
        points, whole = _points(path)
        if len(points.steps):
            metrics[path.relative_to(folder / METRICS).as_posix()] = points
        if not whole:
            cut.append(path.name)
    if not metrics:
        raise InputError("holds no metric", remedy="give a run that has logged one", file=folder)
    notes = tuple(f"The last line of {name} is cut short and was left out." for name in cut)
    return PointLog(name=name, form="MLflow's file store", parts=(metrics,), source=folder.name, notes=notes)


def _points(path: Path) -> tuple[LoggedPoints, bool]:
    text = path.read_bytes()
    whole = text.endswith(b"\n") or not text
    if not whole:
        text = text[: text.rfind(b"\n") + 1]
    if not text:
        return LoggedPoints(np.empty(0), np.empty(0), np.empty(0)), whole
    try:
        # As text first, for pandas' own parser knows no `nan`.
        frame = read_exact(
            io.BytesIO(text), sep=" ", header=None, names=[*COLUMNS], usecols=range(len(COLUMNS)), dtype="str",
            keep_default_na=False,
        )  # fmt: skip
        numbers = {name: np.asarray(frame[name].astype("float64"), dtype=np.float64) for name in COLUMNS}
    except ValueError as error:
        remedy = "give a run of MLflow's file store"
        raise InputError(f"is no file of a metric ({str(error)[:80]})", remedy=remedy, file=path) from error
    return LoggedPoints(numbers["step"], numbers["value"], numbers["time"] / 1000), whole
