"""The two files an autoencoder may come from: neuromf's safetensors and MAISI's own checkpoint."""

from __future__ import annotations

import json
import math
import pickle
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from neuromf.errors import InputError
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae

DEMO_WEIGHTS = Path(__file__).parent / "weights" / "demo_vae.safetensors"
MAISI_ARCHITECTURE = VaeArchitecture(num_channels=(64, 128, 256), num_res_blocks=(2, 2, 2), norm_num_groups=32)
MAISI_SCALE_FACTOR = 0.96240234375
_REMEDY = "give a file written by neuromf or MAISI's autoencoder_v2.pt, or use 'demo'"


@dataclass(frozen=True)
class VaeCheckpoint:
    """What a file holds, checked against the architecture it names.

    Attributes:
        architecture: of the network.
        scale_factor: of the latents.
        tensors: float32 state dict.
    """

    architecture: VaeArchitecture
    scale_factor: float
    tensors: dict[str, Tensor]


def save_vae(path: Path, network: nn.Module, architecture: VaeArchitecture, scale_factor: float) -> None:
    """Write weights as safetensors, with architecture and scale factor as JSON in the header."""
    tensors = {name: tensor.detach().cpu().float().contiguous() for name, tensor in network.state_dict().items()}
    facts = asdict(architecture) | {"scale_factor": scale_factor}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={"neuromf_vae": json.dumps(facts, sort_keys=True)})
    path.chmod(0o644)  # safetensors writes 0600, which would not survive packaging for other users


def read_checkpoint(path: Path) -> VaeCheckpoint:
    """Read either layout.

    Raises:
        InputError: if the file is missing, damaged, foreign, or does not fit its architecture.
    """
    if not path.is_file():
        raise InputError("there is no such autoencoder file", remedy=_REMEDY, file=path)
    checkpoint = _read_maisi(path) if zipfile.is_zipfile(path) else _read_safetensors(path)
    _check_tensors(checkpoint, path)
    return checkpoint


def _read_safetensors(path: Path) -> VaeCheckpoint:
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get("neuromf_vae", "null"))
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise InputError(f"the file is damaged or not safetensors ({error})", remedy=_REMEDY, file=path) from error
    if not isinstance(facts, dict):
        raise InputError("the header names no architecture", remedy=_REMEDY, file=path, key="neuromf_vae")
    try:
        return VaeCheckpoint(_architecture(facts), _scale_factor(facts), tensors)
    except (KeyError, TypeError, ValueError) as error:
        problem = f"the header's architecture cannot be read ({error!r})"
        raise InputError(problem, remedy=_REMEDY, file=path, key="neuromf_vae") from error


def _architecture(facts: dict[str, Any]) -> VaeArchitecture:
    return VaeArchitecture(
        num_channels=tuple(int(width) for width in facts["num_channels"]),
        num_res_blocks=tuple(int(count) for count in facts["num_res_blocks"]),
        norm_num_groups=int(facts["norm_num_groups"]),
        latent_channels=int(facts["latent_channels"]),
    )


def _scale_factor(facts: dict[str, Any]) -> float:
    value = float(facts["scale_factor"])
    if not 0 < value < math.inf:
        raise ValueError(f"scale_factor {value}")
    return value


def _check_archive(path: Path) -> None:
    """Compare every part of a zip archive with its checksum, which torch does not."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise InputError(f"the checkpoint is damaged ({error})", remedy="copy it again", file=path) from error
    if damaged is not None:
        problem = f"the checkpoint is damaged: the checksum of {damaged!r} fails"
        raise InputError(problem, remedy="copy it again from its source", file=path)


def _read_maisi(path: Path) -> VaeCheckpoint:
    _check_archive(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"the checkpoint is damaged or unsafe ({reason})", remedy=_REMEDY, file=path) from error
    state = content.get("unet_state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError("no tensors under this key", remedy=_REMEDY, file=path, key="unet_state_dict")
    tensors = {str(name): tensor.float() for name, tensor in state.items()}
    return VaeCheckpoint(MAISI_ARCHITECTURE, MAISI_SCALE_FACTOR, tensors)


def _check_tensors(checkpoint: VaeCheckpoint, path: Path) -> None:
    try:
        with torch.device("meta"):
            expected = build_vae(checkpoint.architecture).state_dict()
    except (ValueError, RuntimeError, ZeroDivisionError, IndexError) as error:
        raise InputError(f"the architecture is impossible ({error})", remedy=_REMEDY, file=path) from error
    tensors = checkpoint.tensors
    if missing := sorted(expected.keys() - tensors.keys()):
        raise InputError(f"{len(missing)} tensors are missing, first {missing[0]!r}", remedy=_REMEDY, file=path)
    if foreign := sorted(tensors.keys() - expected.keys()):
        raise InputError(f"{len(foreign)} tensors are foreign, first {foreign[0]!r}", remedy=_REMEDY, file=path)
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            problem = f"shape {tuple(tensor.shape)} instead of {tuple(expected[name].shape)}"
            raise InputError(problem, remedy=_REMEDY, file=path, key=name)
        if not bool(torch.isfinite(tensor).all()):
            raise InputError("some weights are NaN or infinite", remedy=_REMEDY, file=path, key=name)
