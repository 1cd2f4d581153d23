"""Back from a checkpoint's files to a state that trains on, or to weights that sample."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from neuromf.data.tensor_file import load_tensors
from neuromf.errors import InputError
from neuromf.reading import told_if_unreadable
from neuromf.training.checkpoints.checkpoint import AVERAGE, MOMENTS, WEIGHTS, Checkpoint
from neuromf.training.step.state import TrainState


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
    loaded = _load_matching(state, checkpoint)
    state.model.load_state_dict(loaded[WEIGHTS])
    for name, value in state.ema.shadow.items():
        value.copy_(loaded[AVERAGE][name])
    _load_optimiser(state, loaded[MOMENTS])
    state.guard.load_state(checkpoint.state["guard"])
    state.step = checkpoint.step


def _load_matching(state: TrainState, checkpoint: Checkpoint) -> dict[str, dict[str, Tensor]]:
    """The files' tensors, once they are known to be those of this model."""
    names = [name for name, _ in state.model.named_parameters()]
    trained = [name for name, parameter in state.model.named_parameters() if parameter.requires_grad]
    moments = (
        [f"{name}.{key}" for name in trained for key in ("step", "exp_avg", "exp_avg_sq")] if checkpoint.step else []
    )
    average = {AVERAGE: names} if state.ema.decay is not None else {}
    loaded = {}
    for file, expected in {WEIGHTS: list(state.model.state_dict()), **average, MOMENTS: moments}.items():
        try:
            with told_if_unreadable(checkpoint.path / file):
                tensors = load_tensors(checkpoint.path / file)
        except (FileNotFoundError, NotADirectoryError, SafetensorError) as error:
            raise InputError(f"not safetensors ({error})", remedy="restore it", file=checkpoint.path / file) from error
        shapes = {name: value.shape for name, value in state.model.state_dict().items() if file != MOMENTS}
        same = all(tensor.shape == shapes.get(name, tensor.shape) for name, tensor in tensors.items())
        if set(tensors) != set(expected) or not same:
            raise InputError("holds another model's tensors", remedy="restore it", file=checkpoint.path / file)
        loaded[file] = tensors
    return loaded


def load_average(path: Path, model: torch.nn.Module) -> None:
    """Give `model` the averaged weights of a checkpoint; what it holds besides weights is of the checkpoint's step."""
    average = load_tensors(path / AVERAGE)
    beside = load_tensors(path / WEIGHTS) if set(model.state_dict()) - set(average) else {}
    model.load_state_dict(beside | average)


def load_weights(path: Path, model: torch.nn.Module) -> None:
    """Give `model` the weights of a checkpoint's step, for a run that keeps no average."""
    model.load_state_dict(load_tensors(path / WEIGHTS))


def _load_optimiser(state: TrainState, tensors: dict[str, Tensor]) -> None:
    for name, parameter in state.model.named_parameters():
        moments = {key[len(name) + 1 :]: value for key, value in tensors.items() if key.rpartition(".")[0] == name}
        if moments:
            state.optimiser.state[parameter] = {
                key: value.clone() if key == "step" else value.to(parameter.device) for key, value in moments.items()
            }
