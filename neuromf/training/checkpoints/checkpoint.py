"""Checkpoints: safetensors and JSON in one folder, written whole or not at all, checked by hash when read."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from neuromf.data.content import file_sha256
from neuromf.errors import InputError, UnreadableError
from neuromf.monitor.guard.guard import DivergenceGuard
from neuromf.reading import told_if_unreadable
from neuromf.training.checkpoints.folders import (
    BEST,
    DEFAULT,
    PASSED_OVER,
    STATE,
    Retention,
    checkpoint_folders,
    flush,
    prune,
    publish,
    step_of,
)
from neuromf.training.records.storage import written_to
from neuromf.training.step.state import TrainState

FORMAT = 3
WEIGHTS, AVERAGE, MOMENTS = FILES = ("model.safetensors", "ema.safetensors", "optimiser.safetensors")
"""A run that keeps no average has no file of it."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder whose files match their hashes, and its state file."""

    path: Path
    state: dict[str, Any]

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return int(self.state["step"])


@dataclass(frozen=True)
class Snapshot:
    """What a checkpoint is to hold, apart from the state that trains on.

    Attributes:
        step: optimiser steps done.
        tensors: by file and name, on the CPU.
        document: what the description says besides the hashes.
        won_by: metric and value by which it is the best so far; None for a checkpoint of its step.
    """

    step: int
    tensors: dict[str, dict[str, Tensor]]
    document: dict[str, Any]
    won_by: tuple[str, float] | None = None

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"step_{self.step:08d}" if self.won_by is None else BEST


def snapshot(
    state: TrainState,
    config_hash: str,
    halted: str = "",
    *,
    raw_loss: float = math.nan,
    copied: bool = True,
    former: Snapshot | None = None,
    won_by: tuple[str, float] | None = None,
) -> Snapshot:
    """Take a snapshot of a state.

    Args:
        state: what to save.
        config_hash: of the run's configuration.
        halted: why the guard halted the run here.
        raw_loss: by which the best checkpoints are told.
        copied: whether the tensors stay as they are when the state trains on; otherwise they may be its own.
        former: a snapshot that nobody needs any more, whose memory is written over: new pages take five times as long.
        won_by: metric and value by which this is the best so far.
    """
    held = {} if former is None else former.tensors
    tensors = {
        name: {key: _on_host(value.detach(), held.get(name, {}).get(key), copied) for key, value in found.items()}
        for name, found in _tensors(state).items()
    }
    document = {
        "format": FORMAT,
        "step": state.step,
        "config_hash": config_hash,
        "guard": state.guard.state(),
        "halted": halted,
        "raw_loss": raw_loss if math.isfinite(raw_loss) else None,
    }
    if won_by is not None:
        document["won_by"] = dict(zip(("metric", "value"), won_by, strict=True))
    return Snapshot(state.step, tensors, document, won_by)


def _on_host(value: Tensor, buffer: Tensor | None, copied: bool) -> Tensor:
    if buffer is not None and (buffer.shape, buffer.dtype) == (value.shape, value.dtype):
        return buffer.copy_(value)
    return value.to("cpu", copy=copied).contiguous()


def save_checkpoint(
    run: Path,
    state: TrainState,
    config_hash: str,
    halted: str = "",
    *,
    raw_loss: float = math.nan,
    rule: Retention = DEFAULT,
) -> Path:
    """Take a snapshot of a state and write it, see `write_checkpoint`.

    Args:
        run: the run's folder.
        state: what to save.
        config_hash: of the run's configuration.
        halted: why the guard halted the run here; the checkpoints before it are then kept.
        raw_loss: by which the best checkpoints are told.
        rule: how many stay.

    Raises:
        InputError: the disk is full or refuses; the checkpoints before this one are as they were.
    """
    taken = snapshot(state, config_hash, halted, raw_loss=raw_loss, copied=False)
    return write_checkpoint(run, taken, rule)


def write_checkpoint(run: Path, taken: Snapshot, rule: Retention = DEFAULT) -> Path:
    """Write `checkpoints/step_XXXXXXXX` under `run`, complete or not at all, and drop what `rule` does not keep.

    The best of the validations is `checkpoints/best` in place of the one before, and drops no other.

    Args:
        run: the run's folder.
        taken: what to write; where the guard halted the run, the checkpoints before it are kept.
        rule: how many stay.

    Raises:
        InputError: the disk is full or refuses; the checkpoints before this one are as they were.
    """
    folder = run / "checkpoints"
    final, staging = folder / taken.name, folder / f".{taken.name}.{os.getpid()}"
    with written_to(folder):
        try:
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir(parents=True)
            _fill(staging, taken)
            publish(staging, final)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        if taken.won_by is None and not taken.document["halted"]:
            prune(run, rule, taken.step)
    return final


def _fill(staging: Path, taken: Snapshot) -> None:
    """Write a checkpoint's files, each forced to disk."""
    for name, tensors in taken.tensors.items():
        save_file(tensors, staging / name)
    document = taken.document | {"sha256": {name: file_sha256(staging / name) for name in taken.tensors}}
    (staging / STATE).write_text(json.dumps(sealed(document), indent=1) + "\n")
    for path in staging.iterdir():
        flush(path)


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    """The description of a checkpoint with the hash of all else that it says."""
    told = {key: value for key, value in document.items() if key != "seal"}
    return told | {"seal": hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()}


def latest_checkpoint(
    run: Path, on_damaged: list[str] | None = None, *, covered: int | None = None
) -> Checkpoint | None:
    """The newest checkpoint of `run` that is whole; names of damaged ones are appended to `on_damaged`.

    Args:
        run: folder of the run.
        on_damaged: takes a sentence for each that is passed over.
        covered: steps that the trace has; a checkpoint of a later step is passed over.

    Raises:
        UnreadableError: a newer one cannot be read; it may be whole.
    """
    for path in checkpoint_folders(run):
        if covered is not None and step_of(path) > covered:
            if on_damaged is not None:
                said = f"is ahead of the trace, which has {covered} whole steps; kept as {PASSED_OVER}{path.name}"
                on_damaged.append(f"{path}: {said}.")
            continue
        try:
            return read_checkpoint(path)
        except UnreadableError:  # it may be whole: going on from an older one would write over it
            raise
        except InputError as error:
            if on_damaged is not None:
                on_damaged.append(str(error))
    return None


def read_checkpoint(path: Path) -> Checkpoint:
    """Check one checkpoint folder.

    Raises:
        UnreadableError: the system does not give a file of it.
        InputError: a file is missing or does not match its hash, or the format is another version's.
    """
    remedy = "resume from an older checkpoint or start a new run"
    try:
        with told_if_unreadable(path):
            state = json.loads((path / STATE).read_text())
            version = state["format"]
            if version == FORMAT:  # what another version wrote is only told from ours
                _check_state(state)
                damaged = [name for name, digest in state["sha256"].items() if file_sha256(path / name) != digest]
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"the checkpoint is not whole ({error})", remedy=remedy, file=path) from error
    if version != FORMAT:
        raise InputError(f"checkpoint format {version}, this version reads {FORMAT}", remedy=remedy, file=path)
    if damaged:
        raise InputError(f"{', '.join(damaged)} does not match its hash", remedy=remedy, file=path)
    return Checkpoint(path, state)


def _check_state(state: dict[str, Any]) -> None:
    """Touch what `restore` needs, so that a missing or foreign value is found before anything is changed."""
    DivergenceGuard(1.0, None).load_state(state["guard"])
    hashes = state["sha256"]
    if not isinstance(hashes, dict) or set(hashes) not in (set(FILES), {WEIGHTS, MOMENTS}):
        raise ValueError("sha256 names other files")
    if state["seal"] != sealed(state)["seal"]:
        raise ValueError(f"{STATE} does not match its hash")
    if not (isinstance(state["config_hash"], str) and isinstance(state["halted"], str) and int(state["step"]) >= 0):
        raise ValueError("a value of state.json has another type")


def _tensors(state: TrainState) -> dict[str, dict[str, Tensor]]:
    """What a checkpoint keeps, by file."""
    moments = {
        f"{name}.{key}": value
        for name, parameter in state.model.named_parameters()
        for key, value in state.optimiser.state.get(parameter, {}).items()
    }
    average = {AVERAGE: state.ema.shadow} if state.ema.decay is not None else {}
    return {WEIGHTS: dict(state.model.state_dict()), **average, MOMENTS: moments}
