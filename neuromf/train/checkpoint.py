"""Checkpoints: safetensors and JSON in one folder, written whole or not at all, checked by hash when read."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from neuromf.errors import InputError
from neuromf.monitor.guard import DivergenceGuard
from neuromf.train.state import TrainState

FORMAT = 2
FILES = ("model.safetensors", "ema.safetensors", "optimiser.safetensors")
KEPT = 2
"""Newest checkpoints that stay on disk; the second covers a damaged first."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder whose files match their hashes, and its state file."""

    path: Path
    state: dict[str, Any]

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return int(self.state["step"])


def save_checkpoint(run: Path, state: TrainState, config_hash: str, halted: str = "") -> Path:
    """Write `checkpoints/step_XXXXXXXX` under `run`, complete or not at all, and drop all but the newest.

    Args:
        run: the run's folder.
        state: what to save.
        config_hash: of the run's configuration.
        halted: why the guard halted the run here; the checkpoints before it are then kept.
    """
    folder = run / "checkpoints"
    final, staging = folder / f"step_{state.step:08d}", folder / f".step_{state.step:08d}.{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for name, tensors in zip(FILES, _tensors(state), strict=True):
        save_file({key: value.detach().cpu().contiguous() for key, value in tensors.items()}, staging / name)
    document = {
        "format": FORMAT,
        "step": state.step,
        "config_hash": config_hash,
        "guard": state.guard.state(),
        "halted": halted,
        "sha256": {name: _sha256(staging / name) for name in FILES},
    }
    (staging / "state.json").write_text(json.dumps(document, indent=1) + "\n")
    for path in staging.iterdir():
        _flush(path)
    if final.exists():
        former = final.with_name(f".{final.name}.former")
        final.replace(former)
        staging.replace(final)
        shutil.rmtree(former)
    else:
        staging.replace(final)
    _flush(folder)
    for old in [] if halted else checkpoint_folders(run)[KEPT:]:
        if old != final:
            shutil.rmtree(old)
    return final


def checkpoint_folders(run: Path) -> list[Path]:
    """Folders named as checkpoints are, newest first; anything else in `checkpoints` is none of ours."""
    names = re.compile(r"step_\d{8,}")
    folders = [path for path in (run / "checkpoints").glob("step_*") if names.fullmatch(path.name) and path.is_dir()]
    return sorted(folders, key=lambda path: int(path.name.removeprefix("step_")), reverse=True)


def remove_unfinished(run: Path) -> None:
    """Delete what a kill left of checkpoints that were being written."""
    for staging in (run / "checkpoints").glob(".step_*"):
        shutil.rmtree(staging, ignore_errors=True)


def latest_checkpoint(run: Path, on_damaged: list[str] | None = None) -> Checkpoint | None:
    """The newest checkpoint of `run` that is whole; names of damaged ones are appended to `on_damaged`."""
    for path in checkpoint_folders(run):
        try:
            return read_checkpoint(path)
        except InputError as error:
            if on_damaged is not None:
                on_damaged.append(str(error))
    return None


def read_checkpoint(path: Path) -> Checkpoint:
    """Check one checkpoint folder.

    Raises:
        InputError: a file is missing or does not match its hash, or the format is another version's.
    """
    remedy = "resume from an older checkpoint or start a new run"
    try:
        state = json.loads((path / "state.json").read_text())
        version = state["format"]
        if version == FORMAT:  # what another version wrote is only told from ours
            damaged = [name for name in FILES if _sha256(path / name) != state["sha256"][name]]
            _check_state(state)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"the checkpoint is not whole ({error})", remedy=remedy, file=path) from error
    if version != FORMAT:
        raise InputError(f"checkpoint format {version}, this version reads {FORMAT}", remedy=remedy, file=path)
    if damaged:
        raise InputError(f"{', '.join(damaged)} does not match its hash", remedy=remedy, file=path)
    return Checkpoint(path, state)


def _check_state(state: dict[str, Any]) -> None:
    """Touch what `restore` needs, so that a missing or foreign value is found before anything is changed."""
    DivergenceGuard(1.0, None).load_state(state["guard"])
    if not (isinstance(state["config_hash"], str) and isinstance(state["halted"], str) and int(state["step"]) >= 0):
        raise ValueError("a value of state.json has another type")


def restore(state: TrainState, checkpoint: Checkpoint, config_hash: str) -> None:
    """Put a checkpoint's tensors and counters into `state`.

    Raises:
        InputError: it belongs to another configuration.
    """
    if checkpoint.state["config_hash"] != config_hash:
        raise InputError(
            "the checkpoint belongs to another configuration",
            remedy="resume with the run's own config.yaml or give a new --out",
            file=checkpoint.path,
            key="config_hash",
        )
    model, ema, optimiser = _load_matching(state, checkpoint)
    state.model.load_state_dict(model)
    for name, value in state.ema.shadow.items():
        value.copy_(ema[name])
    _load_optimiser(state, optimiser)
    state.guard.load_state(checkpoint.state["guard"])
    state.step = checkpoint.step


def _load_matching(state: TrainState, checkpoint: Checkpoint) -> list[dict[str, Tensor]]:
    """The three files' tensors, once they are known to be those of this model."""
    names = [name for name, _ in state.model.named_parameters()]
    moments = (
        [f"{name}.{key}" for name in names for key in ("step", "exp_avg", "exp_avg_sq")] if checkpoint.step else []
    )
    loaded = []
    for file, expected in zip(FILES, (state.model.state_dict(), names, moments), strict=True):
        try:
            tensors = load_file(checkpoint.path / file)
        except (OSError, SafetensorError) as error:
            raise InputError(f"not safetensors ({error})", remedy="restore it", file=checkpoint.path / file) from error
        if set(tensors) != set(expected):
            raise InputError("holds another model's tensors", remedy="restore it", file=checkpoint.path / file)
        loaded.append(tensors)
    return loaded


def load_average(path: Path, model: torch.nn.Module) -> None:
    """Give `model` the averaged weights of a checkpoint."""
    model.load_state_dict(load_file(path / "ema.safetensors"))


def _tensors(state: TrainState) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    moments = {
        f"{name}.{key}": value
        for name, parameter in state.model.named_parameters()
        for key, value in state.optimiser.state.get(parameter, {}).items()
    }
    return dict(state.model.state_dict()), state.ema.shadow, moments


def _load_optimiser(state: TrainState, tensors: dict[str, Tensor]) -> None:
    for name, parameter in state.model.named_parameters():
        moments = {key[len(name) + 1 :]: value for key, value in tensors.items() if key.rpartition(".")[0] == name}
        if moments:
            state.optimiser.state[parameter] = {
                key: value.clone() if key == "step" else value.to(parameter.device) for key, value in moments.items()
            }


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
