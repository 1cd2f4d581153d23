"""An autoencoder of the user's own, built by a callable of theirs: what it must do, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from neuromf.config.schema import OWN_WEIGHTS
from neuromf.errors import InputError
from neuromf.nets.torch_file import is_torch_file, read_torch_file
from neuromf.nets.vae_source import VaeSource
from neuromf.nets.wrapped_weights import find_weights
from neuromf.own_code import call, own_code, told

KEY = "vae.factory"
PROTOCOL = "return a torch.nn.Module with encode(x) -> mean or (mean, sigma) and decode(z) -> x, of x (B, 1, D, H, W)"
WIDTH = 64
"""Maps of its first level, where no convolution tells."""
TRIED = 4
"""Latent cells of the cube that it is tried on, along each axis."""


@dataclass(frozen=True)
class OwnArchitecture:
    """What decides an own autoencoder's latents besides its weights.

    Attributes:
        factory: the callable.
        options: its arguments, as text.
        code: hash of what its source says.
        latent_channels: channels of a latent.
        stride: voxels a latent cell spans along each axis.
        num_channels: maps of its first level, which its memory is estimated by.
    """

    factory: str
    options: str
    code: str
    latent_channels: int
    stride: int
    num_channels: tuple[int, ...]


class OwnAutoencoder(nn.Module):
    """The user's network; what it does otherwise than it should is told.

    Args:
        network: with `encode` and `decode`.
        source: how it was called, and which latents it should make.
    """

    def __init__(self, network: nn.Module, source: VaeSource) -> None:
        super().__init__()
        self.network, self.channels, self.stride = network, source.latent_channels, source.stride

    def encode(self, volumes: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the latents of scans (B, 1, D, H, W)."""
        made = _called(self.network, "encode", volumes)
        mean, sigma = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
        wanted = (len(volumes), self.channels, *(size // self.stride for size in volumes.shape[2:]))
        for part in (mean, *([sigma] if sigma is not None else [])):
            _require(
                part, wanted, f"encodes {tuple(volumes.shape)}", "set vae.latent_channels and vae.stride to its own"
            )
        return mean.float(), torch.zeros_like(mean, dtype=torch.float32) if sigma is None else sigma.float()

    def decode(self, latents: Tensor) -> Tensor:
        """Scans of latents (B, C, d, h, w)."""
        made = _called(self.network, "decode", latents)
        wanted = (len(latents), 1, *(size * self.stride for size in latents.shape[2:]))
        _require(made, wanted, f"decodes {tuple(latents.shape)}", PROTOCOL)
        volumes: Tensor = made.float()
        return volumes


def build_own(source: VaeSource) -> tuple[OwnAutoencoder, OwnArchitecture]:
    """The network with its weights, tried once.

    Raises:
        InputError: the code cannot be called, what it returns is no autoencoder, or its weights are not to be had.
    """
    assert source.factory is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = call(source.factory, KEY, options=source.options)
    if not isinstance(network, nn.Module) or not all(hasattr(network, name) for name in ("encode", "decode")):
        problem = f"{source.factory} returns a {type(network).__name__}, which is no autoencoder"
        raise InputError(problem, remedy=PROTOCOL, key=KEY)
    if source.checkpoint != OWN_WEIGHTS:
        network.load_state_dict(_read_weights(Path(source.checkpoint), network))
    code = own_code(source.factory, KEY, sorted({type(module) for module in network.modules()}, key=repr))
    shape = OwnArchitecture(
        source.factory, repr(sorted(source.options.items())), code.sha256, source.latent_channels, source.stride,
        (_width(network),),
    )  # fmt: skip
    made = OwnAutoencoder(network.float().eval(), source)
    _try(made)
    return made, shape


@torch.no_grad()
def _try(autoencoder: OwnAutoencoder) -> None:
    """Encode a small cube twice, and decode what comes out."""
    edge = TRIED * autoencoder.stride
    cube = torch.rand((1, 1, edge, edge, edge), generator=torch.Generator().manual_seed(0))
    (mean, _), (again, _) = autoencoder.encode(cube), autoencoder.encode(cube)
    if not torch.equal(mean, again):
        problem = "the autoencoder encodes a scan otherwise the second time"
        raise InputError(problem, remedy="let encode return the posterior's mean, without dropout", key=KEY)
    autoencoder.decode(mean)


def _called(network: nn.Module, name: str, values: Tensor) -> Any:  # noqa: ANN401
    try:
        return getattr(network, name)(values)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        problem = f"the autoencoder's {name} raises {told(error)}, of {tuple(values.shape)}"
        raise InputError(problem, remedy=PROTOCOL, key=KEY) from error


def _require(made: object, wanted: tuple[int, ...], what: str, remedy: str) -> None:
    found = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
    if found != wanted:
        raise InputError(f"the autoencoder {what} as {found}, not {wanted}", remedy=remedy, key=KEY)


def _read_weights(path: Path, network: nn.Module) -> dict[str, Tensor]:
    """The network's tensors from a file of safetensors or torch.save, behind whatever key or prefix.

    Raises:
        InputError: they are not there, or not whole.
    """
    remedy = "name the file with the weights of this very network"
    if not path.is_file():
        raise InputError("there is no such autoencoder file", remedy=remedy, file=path)
    expected = network.state_dict()
    try:
        found = find_weights(_content(path), list(expected), preferred="state_dict").tensors
    except InputError as error:
        raise InputError(error.problem, remedy=error.remedy or remedy, file=error.file or path) from error
    for name, tensor in expected.items():
        if name not in found or found[name].shape != tensor.shape:
            is_there = f"has shape {tuple(found[name].shape)}" if name in found else "is not there"
            problem = f"{name} {is_there}, the network's has {tuple(tensor.shape)}"
            raise InputError(problem, remedy=remedy, file=path, key="vae.checkpoint")
        if not bool(torch.isfinite(found[name].float()).all()):
            raise InputError("some weights are NaN or infinite", remedy=remedy, file=path, key=name)
    return {name: found[name].as_subclass(Tensor).to(tensor.dtype) for name, tensor in expected.items()}


def _content(path: Path) -> Any:  # noqa: ANN401
    if is_torch_file(path):
        return read_torch_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError) as error:
        problem = f"the file is damaged or neither safetensors nor torch.save's ({error})"
        raise InputError(problem, remedy="copy it again", file=path) from error


def _width(network: nn.Module) -> int:
    found = (getattr(module, "out_channels", None) for module in network.modules())
    return next((width for width in found if isinstance(width, int)), WIDTH)
