"""The files an autoencoder may come from: neuromf's safetensors, MAISI's own, and what a training of that saved."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from neuromf.errors import InputError
from neuromf.nets.torch_file import is_torch_file, read_torch_file
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae
from neuromf.nets.wrapped_weights import described, find_weights
from neuromf.output import whole_file

DEMO_WEIGHTS = Path(__file__).parent / "weights" / "demo_vae.safetensors"
MAISI_ARCHITECTURE = VaeArchitecture(num_channels=(64, 128, 256), num_res_blocks=(2, 2, 2), norm_num_groups=32)
MAISI_SCALE_FACTOR = 0.96240234375
MAISI_KEY = "unet_state_dict"
"""Where MAISI's own file holds its weights."""
_REMEDY = "give a file written by neuromf or weights of MAISI's autoencoder (autoencoder_v2.pt), or use 'demo'"


@dataclass(frozen=True)
class VaeCheckpoint:
    """What a file holds, checked against the architecture it names.

    Attributes:
        architecture: of the network.
        scale_factor: of the latents.
        tensors: float32 state dict.
        scale_known: whether the file says its scale factor, or is known to be one whose factor is published.
    """

    architecture: VaeArchitecture
    scale_factor: float
    tensors: dict[str, Tensor]
    scale_known: bool = True


def save_vae(path: Path, network: nn.Module, architecture: VaeArchitecture, scale_factor: float) -> None:
    """Write weights as safetensors, with architecture and scale factor as JSON in the header."""
    tensors = {name: tensor.detach().cpu().float().contiguous() for name, tensor in network.state_dict().items()}
    facts = asdict(architecture) | {"scale_factor": scale_factor}
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as staging:
        save_file(tensors, staging, metadata={"neuromf_vae": json.dumps(facts, sort_keys=True)})
    path.chmod(0o644)  # safetensors writes 0600, which would not survive packaging for other users


def read_checkpoint(path: Path) -> VaeCheckpoint:
    """Read a file of any of these layouts.

    Raises:
        InputError: if the file is missing, damaged, foreign, or does not fit its architecture.
    """
    if not path.is_file():
        raise InputError("there is no such autoencoder file", remedy=_REMEDY, file=path)
    if is_torch_file(path):
        return _read_foreign(read_torch_file(path), path)
    return _read_safetensors(path)


def _read_safetensors(path: Path) -> VaeCheckpoint:
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get("neuromf_vae", "null"))
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise InputError(f"the file is damaged or not safetensors ({error})", remedy=_REMEDY, file=path) from error
    if facts is None:  # written by another program
        return _read_foreign(tensors, path)
    if not isinstance(facts, dict):
        raise InputError("the header names no architecture", remedy=_REMEDY, file=path, key="neuromf_vae")
    try:
        checkpoint = VaeCheckpoint(_architecture(facts), _scale_factor(facts), tensors)
    except (KeyError, TypeError, ValueError) as error:
        problem = f"the header's architecture cannot be read ({error!r})"
        raise InputError(problem, remedy=_REMEDY, file=path, key="neuromf_vae") from error
    _check_tensors(checkpoint, path)
    return checkpoint


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


def _read_foreign(content: Any, path: Path) -> VaeCheckpoint:  # noqa: ANN401
    """MAISI's network, from its own file or from what a training of it saved, whatever that is wrapped in."""
    with torch.device("meta"):
        expected = build_vae(MAISI_ARCHITECTURE).state_dict().keys()
    try:
        found = find_weights(content, expected, preferred=MAISI_KEY, remedy=_REMEDY)
    except InputError as error:
        raise InputError(error.problem, remedy=error.remedy, file=path) from error
    # MetaTensor, MONAI's tensor with a header, becomes a plain one
    tensors = {name: tensor.as_subclass(Tensor).float() for name, tensor in found.tensors.items()}
    # The released autoencoder_v2.pt stands under this key; what is flat or wrapped otherwise is v1 or was trained on.
    published = isinstance(content, Mapping) and MAISI_KEY in content
    checkpoint = VaeCheckpoint(MAISI_ARCHITECTURE, MAISI_SCALE_FACTOR, tensors, scale_known=published)
    _check_tensors(checkpoint, path, beside=f" (under {found.place!r}; the file holds {described(content)})")
    return checkpoint


def _check_tensors(checkpoint: VaeCheckpoint, path: Path, beside: str = "") -> None:
    try:
        with torch.device("meta"):
            expected = build_vae(checkpoint.architecture).state_dict()
    except (ValueError, RuntimeError, ZeroDivisionError, IndexError) as error:
        raise InputError(f"the architecture is impossible ({error})", remedy=_REMEDY, file=path) from error
    tensors = checkpoint.tensors
    missing, foreign = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    told = [f"{len(names)} tensors are {word}, first {names[0]!r}"
            for names, word in ((missing, "missing"), (foreign, "foreign")) if names]  # fmt: skip
    if told:
        raise InputError(", and ".join(told) + beside, remedy=_REMEDY, file=path)
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            problem = f"shape {tuple(tensor.shape)} instead of {tuple(expected[name].shape)}{beside}"
            raise InputError(problem, remedy=_REMEDY, file=path, key=name)
        if not bool(torch.isfinite(tensor).all()):
            raise InputError("some weights are NaN or infinite", remedy=_REMEDY, file=path, key=name)
