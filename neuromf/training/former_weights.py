"""Weights of another run that a training begins with, as it records them: by step and hash (CKPT-002)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError
from torch import Tensor, nn

from neuromf.data.tensor_file import load_tensors
from neuromf.errors import InputError
from neuromf.training.checkpoints.checkpoint import AVERAGE, WEIGHTS
from neuromf.training.checkpoints.folders import BEST

KEY = "training.init_from"


@dataclass(frozen=True)
class InitialWeights:
    """Which weights a run starts from, as it records them.

    Attributes:
        run: folder of the other run, absolute.
        step: of its checkpoint, also where that was named otherwise: what is the newest or the best there may change.
        weights: its averaged weights, or those of that step.
        sha256: of names and numbers of all tensors, see `tensor_hash`.
    """

    run: str
    step: int
    weights: Literal["average", "weights"]
    sha256: str

    @property
    def folder(self) -> Path:
        """Of the checkpoint: that of its step, or the best where the run keeps only that."""
        checkpoints = Path(self.run) / "checkpoints"
        of_step, best = checkpoints / f"step_{self.step:08d}", checkpoints / BEST
        return best if best.is_dir() and not of_step.is_dir() else of_step

    def tensors(self) -> dict[str, Tensor]:
        """What the network is given.

        Raises:
            InputError: it is not there any more, or not what was recorded.
        """
        found = stored_tensors(self.folder, self.weights)
        if self.sha256 and tensor_hash(found) != self.sha256:
            remedy = "put back what the run began with, or start a new run"
            raise InputError(
                "holds other weights than those that were recorded", remedy=remedy, file=self.folder, key=KEY
            )
        return found


def tensor_hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors by name, wherever they are."""
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def stored_tensors(folder: Path, weights: Literal["average", "weights"]) -> dict[str, Tensor]:
    """Tensors of a checkpoint; beside the average those that are no parameters, of its step.

    Raises:
        InputError: they cannot be read.
    """
    try:
        own = load_tensors(folder / WEIGHTS)
        return own if weights == "weights" else own | load_tensors(folder / AVERAGE)
    except (OSError, SafetensorError) as error:
        problem = f"the weights that the run starts from cannot be read ({error})"
        raise InputError(problem, remedy="put them back, or start a new run", file=folder, key=KEY) from error


def refuse_others(tensors: Mapping[str, Tensor], net: nn.Module, file: Path) -> None:
    """See that tensors are a network's, by name and shape.

    Raises:
        InputError: how many are not, and the first of each kind.
    """
    own = net.state_dict()
    kinds = {
        "missing there": [name for name in own if name not in tensors],
        "foreign": [name for name in tensors if name not in own],
        "of another shape": [n for n, value in own.items() if n in tensors and tensors[n].shape != value.shape],
    }
    told = [f"{len(names)} {kind}, first {names[0]}" for kind, names in kinds.items() if names]
    if reshaped := kinds["of another shape"]:
        told[-1] += f" {tuple(tensors[reshaped[0]].shape)} instead of {tuple(own[reshaped[0]].shape)}"
    if told:
        problem = f"of {len(own)} tensors of this network {', and '.join(told)}"
        remedy = "start from a run of the same network, or give this one the other's unet section"
        raise InputError(problem, remedy=remedy, file=file, key=KEY)
