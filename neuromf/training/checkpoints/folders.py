"""Folders of checkpoints: their names, which of them stay, and what a kill left of one that was being written."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from neuromf.config.schema import Config
from neuromf.errors import UnreadableError
from neuromf.reading import told_if_unreadable

STATE = "state.json"
"""The file that describes a checkpoint."""
NAME = re.compile(r"step_\d{8,}")
PASSED_OVER = "passed_over_"
"""Before the name of a checkpoint that a resume set aside."""
BEST = "best"
"""The checkpoint of the best validation, besides those of steps."""
STAGED = re.compile(rf"\.(step_\d{{8,}}|{BEST})\.(\d+|former)")


@dataclass(frozen=True)
class Retention:
    """How many checkpoints stay on disk.

    Attributes:
        last: the newest; a second one covers a damaged first.
        best: those of lowest raw loss, besides the newest.
    """

    last: int
    best: int


DEFAULT = Retention(2, 0)
"""Where no configuration says otherwise."""


@dataclass(frozen=True)
class Kept:
    """What retention asks of a checkpoint: its optimiser step and raw loss, NaN where it is not known."""

    step: int
    raw_loss: float


def retention(config: Config) -> Retention:
    """What a configuration keeps."""
    return Retention(config.training.keep_last_checkpoints, config.training.keep_best_checkpoints)


def retained(checkpoints: Iterable[Kept], rule: Retention) -> set[int]:
    """Steps of the checkpoints that stay; a loss that is not finite is never among the best."""
    newest = sorted(checkpoints, key=lambda kept: kept.step, reverse=True)
    finite = [kept for kept in newest if math.isfinite(kept.raw_loss)]
    best = sorted(finite, key=lambda kept: (kept.raw_loss, kept.step))
    return {kept.step for kept in (*newest[: rule.last], *best[: rule.best])}


def prune(run: Path, rule: Retention, step: int) -> None:
    """Delete what retention does not ask for, as seen from the checkpoint at `step`.

    Later checkpoints are those that a resume found damaged: they stay until the run writes them anew. One that the
    system does not let us read stays too, for it may be among the best.
    """
    folders = {step_of(path): path for path in checkpoint_folders(run) if step_of(path) <= step}
    losses = {number: loss for number, path in folders.items() if (loss := _raw_loss(path)) is not None}
    stay = retained((Kept(number, loss) for number, loss in losses.items()), rule)
    for number in losses:
        if number not in stay:
            shutil.rmtree(folders[number])


def step_of(folder: Path) -> int:
    """Optimiser step in a checkpoint folder's name."""
    return int(folder.name.removeprefix("step_"))


def checkpoint_folders(run: Path) -> list[Path]:
    """Folders named as checkpoints are, newest first; anything else in `checkpoints` is none of ours.

    Raises:
        UnreadableError: the system does not let them be listed.
    """
    root = run / "checkpoints"
    try:
        with told_if_unreadable(root):
            folders = [root / name for name in os.listdir(root) if NAME.fullmatch(name) and (root / name).is_dir()]
    except FileNotFoundError:
        return []
    return sorted(folders, key=step_of, reverse=True)


def set_aside(folder: Path) -> Path:
    """Rename a checkpoint so that no resume takes it; its files stay as they are."""
    names = (f"{PASSED_OVER}{folder.name}{suffix}" for suffix in chain([""], (f".{number}" for number in count(2))))
    target = next(path for name in names if not (path := folder.with_name(name)).exists())
    return folder.rename(target)


def remove_unfinished(run: Path) -> None:
    """Delete what a kill left of checkpoints that were being written, or were about to be replaced.

    One that was set aside for its successor goes back to its place when the successor never took it.
    """
    for staging in (run / "checkpoints").glob(".*"):
        found = STAGED.fullmatch(staging.name)
        if found is None:
            continue
        final = staging.with_name(found.group(1))
        if found.group(2) == "former" and not final.exists():
            staging.replace(final)
        else:
            shutil.rmtree(staging, ignore_errors=True)


def publish(staging: Path, final: Path) -> None:
    """Give a folder whose files are on disk its name; one that had the name before is deleted after."""
    flush(staging)
    former = final.with_name(f".{final.name}.former")
    if final.exists():
        shutil.rmtree(former, ignore_errors=True)
        final.replace(former)
    staging.replace(final)
    flush(final.parent)
    shutil.rmtree(former, ignore_errors=True)


def flush(path: Path) -> None:
    """Force a file, or the entries of a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _raw_loss(folder: Path) -> float | None:
    """Raw loss that a checkpoint was saved with; NaN when it does not say so, None when it cannot be read."""
    try:
        with told_if_unreadable(folder):
            value = json.loads((folder / STATE).read_text())["raw_loss"]
        return math.nan if value is None else float(value)
    except UnreadableError:
        return None
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, RecursionError):
        return math.nan
