"""The networks that `--features` names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from neuromf.data.content import file_sha256
from neuromf.data.tensor_file import load_tensors
from neuromf.errors import InputError, UnreadableError
from neuromf.evaluation.features.demo import demo_network
from neuromf.evaluation.features.network import FeatureNetwork, Preparation
from neuromf.nets.torch_file import is_torch_file, read_torch_file
from neuromf.own_code import call, own_code

KEY = "--features"
DEMO = "demo"
_FACTORY = re.compile(r"[\w.]+:[\w.]+")
PROTOCOL = "return a torch.nn.Module with spatial_dims 2 or 3 that gives (B, F) of images (B, 1, ...) in [0, 1]"


def load_networks(names: Sequence[str], device: torch.device | str = "cpu") -> tuple[FeatureNetwork, FeatureNetwork]:
    """The networks for slices and for volumes; the one that ships where none is named.

    Args:
        names: "demo", files of weights, or `package.module:callable`; at most one for slices and one for volumes.
        device: where they compute.

    Raises:
        InputError: a name is none of these, or two take slices, or two take volumes.
    """
    found: dict[int, FeatureNetwork] = {}
    for name in names:
        for network in [] if name == DEMO else [_load(name, torch.device(device))]:
            if network.dims in found:
                kind = "slices" if network.dims == 2 else "volumes"
                problem = f"{found[network.dims].name} and {network.name} both take {kind}"
                raise InputError(problem, remedy="give one for slices and one for volumes", key=KEY)
            found[network.dims] = network
    return found.get(2) or demo_network(2), found.get(3) or demo_network(3)


def _load(name: str, device: torch.device) -> FeatureNetwork:
    if _FACTORY.fullmatch(name) and not Path(name).exists():
        return _own(name, device)
    from neuromf.evaluation.features.residual import residual_network

    path = Path(name)
    try:
        network, dims, preparation = residual_network(_tensors(path))
    except InputError as error:
        raise InputError(error.problem, remedy=error.remedy, file=error.file or path, key=error.key) from error
    return FeatureNetwork(path.name, dims, _frozen(network, device), preparation, file_sha256(path))


def _own(name: str, device: torch.device) -> FeatureNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = call(name, KEY, options={})
    dims = getattr(network, "spatial_dims", None)
    if not isinstance(network, nn.Module) or dims not in (2, 3):
        problem = f"{name} returns a {type(network).__name__} with spatial_dims {dims!r}"
        raise InputError(problem, remedy=PROTOCOL, key=KEY)
    digest = hashlib.sha256(own_code(name, KEY, {type(module) for module in network.modules()}).sha256.encode())
    for key, tensor in sorted(network.state_dict().items()):
        digest.update(key.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return FeatureNetwork(name, dims, _frozen(network, device), Preparation(), digest.hexdigest())


def _frozen(network: nn.Module, device: torch.device) -> nn.Module:
    return network.float().eval().requires_grad_(False).to(device)


def _tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a file of safetensors or of torch.save, of the state dict in it where it holds one."""
    try:
        content = read_torch_file(path) if is_torch_file(path) else load_tensors(path)
    except FileNotFoundError as error:
        remedy = "give demo, a file of weights, or package.module:callable"
        raise InputError("there is no such file", remedy=remedy, file=path, key=KEY) from error
    except IsADirectoryError as error:
        raise InputError("is a folder", remedy="give a file of weights", file=path, key=KEY) from error
    except OSError as error:
        raise UnreadableError.of(path, error) from error
    except SafetensorError as error:
        problem = f"is neither safetensors nor a file of torch.save ({error})"
        raise InputError(problem, remedy="give a state dict", file=path, key=KEY) from error
    return _state_dict(content, path)


def _state_dict(content: Any, path: Path) -> dict[str, Tensor]:  # noqa: ANN401
    if isinstance(content, Mapping):
        for key in ("state_dict", "model_state_dict", "model"):
            if isinstance(content.get(key), Mapping):
                content = content[key]
        if content and all(isinstance(value, Tensor) for value in content.values()):
            return {str(name): tensor for name, tensor in content.items()}
    raise InputError("holds no state dict", remedy="give one, by name and tensor", file=path, key=KEY)
