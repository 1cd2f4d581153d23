"""A checkpoint by the name that a user gives it: the newest, the best of the validations, or that of a step."""

from __future__ import annotations

from pathlib import Path

from neuromf.errors import InputError
from neuromf.readable import rounded
from neuromf.training.checkpoints.checkpoint import Checkpoint, latest_checkpoint, read_checkpoint
from neuromf.training.checkpoints.folders import BEST, checkpoint_folders, step_of

LATEST = "latest"


def named_checkpoint(run: Path, name: str | None = None, *, key: str = "--checkpoint") -> Checkpoint:
    """A whole checkpoint of a run.

    Args:
        run: the run's folder.
        name: `latest`, `best` or an optimiser step; the newest when None.
        key: option or setting that named it, for a message.

    Raises:
        InputError: there is none of that name, or it is not whole.
    """
    folder = run / "checkpoints"
    if name is None or name == LATEST:
        newest = latest_checkpoint(run)
        if newest is None:
            raise InputError("holds no whole checkpoint", remedy="train first", file=folder)
        return newest
    if name == BEST:
        if not (folder / BEST).is_dir():
            remedy = "train with training.validate_every_epochs above 0, or name another checkpoint"
            raise InputError("holds no best checkpoint", remedy=remedy, file=folder, key=key)
        return read_checkpoint(folder / BEST)
    return read_checkpoint(_of_step(run, name, key))


def won_by(checkpoint: Checkpoint) -> str:
    """By what a best checkpoint is the best, to follow its step; empty for any other."""
    found = checkpoint.state.get("won_by")
    return "" if found is None else f", best by {found['metric']} {rounded(found['value'], 4)}"


def _of_step(run: Path, name: str, key: str) -> Path:
    there = checkpoint_folders(run)
    found = [path for path in there if name.isdecimal() and step_of(path) == int(name)]
    if found:
        return found[0]
    steps = ", ".join(str(step_of(path)) for path in there) or "none"
    problem = f"there is no checkpoint {name!r}; of steps there are {steps}"
    raise InputError(problem, remedy=f"name one of them, {LATEST} or {BEST}", file=run / "checkpoints", key=key)
