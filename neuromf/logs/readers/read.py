"""Read any log: find out what kind it is, and hand it to the reader of that kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from neuromf.errors import InputError, UnreadableError
from neuromf.logs.log import RowLog, RunLog
from neuromf.logs.points import runs_of_points
from neuromf.logs.readers.json_lines import read_json_lines
from neuromf.logs.readers.json_records import HISTORY, read_json_records
from neuromf.logs.readers.mlflow_store import is_mlflow_run, mlflow_runs, read_mlflow_run
from neuromf.logs.readers.own_run import is_trace, read_own_trace
from neuromf.logs.readers.tensorboard_events import event_files, is_event_file, read_event_files
from neuromf.logs.readers.text_table import read_text_table
from neuromf.logs.rows import runs_of_rows
from neuromf.logs.wandb_columns import runs_of_panel

FILES = (
    "trace.csv", "training_summary.json", "diagnostics/aggregate_results/training_summary.json",
    "diagnostics/training_summary.json", "trainer_state.json", "metrics.csv", "history.csv", "log.csv", "log.jsonl",
    "metrics.jsonl", "history.jsonl", "wandb-history.jsonl",
)  # fmt: skip
"""Where a folder keeps its log, the first one that is there; our own trace before what is summed up from it."""
REMEDY = (
    "give a run's folder, a CSV, JSON or JSON lines file, TensorBoard's folder, a trainer_state.json or a run of MLflow"
)
SIDE_BY_SIDE = ("train", "training", "val", "validation", "eval", "test")
"""Folders beside each other that hold the scalars of one run, as Keras and TensorFlow write them."""


def read_logs(path: Path, axis: str | None = None) -> list[RunLog]:
    """Every run that a path holds, at least one.

    Args:
        path: a file or a folder.
        axis: the column that numbers the rows, where the user says it.

    Raises:
        InputError: nothing there is a log of a known kind.
    """
    try:
        runs = list(_of_folder(path, axis) if path.is_dir() else _of_file(path, axis))
    except FileNotFoundError as error:
        raise InputError("is not there", remedy=REMEDY, file=path) from error
    except OSError as error:
        raise UnreadableError.of(path, error) from error
    if not runs:
        raise InputError("holds no log of a known kind", remedy=REMEDY, file=path)
    return runs


def _of_folder(folder: Path, axis: str | None) -> Iterator[RunLog]:
    name = str(folder)
    if is_mlflow_run(folder):
        yield from runs_of_points(read_mlflow_run(folder, name))
        return
    for file in FILES:
        if (folder / file).is_file():
            yield from _of_file(folder / file, axis)
            return
    if states := sorted(folder.glob("checkpoint-*/trainer_state.json"), key=lambda p: (len(str(p)), p)):
        yield from _of_file(states[-1], axis)
    elif files := event_files(folder):
        yield from runs_of_points(read_event_files(files, name))
    elif runs := mlflow_runs(folder):
        for run in runs:
            yield from runs_of_points(read_mlflow_run(run, str(run)))
    else:
        yield from _of_subfolders(folder, axis)


def _of_subfolders(folder: Path, axis: str | None) -> Iterator[RunLog]:
    """Folders of event files, of one run or each of its own; or the logs that lie in the folder."""
    below = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    with_events = [path for path in below if event_files(path)]
    if with_events and all(path.name in SIDE_BY_SIDE for path in with_events):
        pairs = [(file, f"{path.name}/") for path in with_events for file in event_files(path)]
        log = read_event_files([file for file, _ in pairs], str(folder), [prefix for _, prefix in pairs])
        yield from runs_of_points(log)
    elif logged := with_events or [path for path in below if any((path / file).is_file() for file in FILES)]:
        for path in logged:
            yield from _of_folder(path, axis)
    else:
        for path in sorted(p for p in folder.iterdir() if p.suffix in (".csv", ".tsv", ".jsonl") and p.is_file()):
            yield from _of_file(path, axis)


def _of_file(path: Path, axis: str | None) -> Iterator[RunLog]:
    if is_event_file(path):
        yield from runs_of_points(read_event_files([path], str(path)))
        return
    if path.suffix == ".wandb":
        remedy = "export its history, as run.history().to_csv(...) or scan_history() do"
        raise InputError("is W&B's own binary form", remedy=remedy, file=path)
    text = path.read_bytes()
    if is_trace(text.partition(b"\n")[0]):
        yield read_own_trace(path, str(path))
        return
    for log in runs_of_panel(_rows(path, text)):
        yield from runs_of_rows(log, axis)


def _rows(path: Path, text: bytes) -> RowLog:
    """Rows of a file that begins as JSON does, or else of a table."""
    start = text[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if not start:
        raise InputError("is empty", remedy="wait for the first line of the training", file=path)
    if b"\0" in text[:4096]:
        raise InputError("is no text", remedy=REMEDY, file=path)
    if start.startswith(b"["):
        return read_json_records(path, text)
    if start.startswith(b"{"):
        first, _, rest = text.lstrip(b"\xef\xbb\xbf \r\n\t").partition(b"\n")
        one_document = f'"{HISTORY}"'.encode() in text[:65536] or not first.rstrip().endswith(b"}")
        alone = not rest.strip() and b": [" in first
        return read_json_records(path, text) if one_document or alone else read_json_lines(path, text)
    return read_text_table(path, text)
