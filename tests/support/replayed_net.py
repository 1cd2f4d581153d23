"""A network that gives again, in float64, what another one gave: the rest of a computation is then judged alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from neuromf.flow.batch import Batch
from neuromf.flow.jvp import Derivative
from neuromf.flow.network import Net, NetOutput


class Recorder:
    """Keeps the outputs of a network, in order, and gives them again as float64.

    Args:
        net: evaluated as it is.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self.outputs: list[NetOutput] = []

    def __call__(self, z: Tensor, r_B: Tensor, t_B: Tensor) -> NetOutput:
        """What the network gives, in whatever type."""
        found = self._net(z, r_B, t_B)
        output = found if isinstance(found, NetOutput) else NetOutput(found, None)
        self.outputs.append(NetOutput(*(None if part is None else part.detach() for part in output)))
        return output

    def again(self) -> Net:
        """The same outputs in the same order."""
        kept = iter(self.outputs)

        def net(z: Tensor, r_B: Tensor, t_B: Tensor) -> NetOutput:
            return NetOutput(*(None if part is None else part.double() for part in next(kept)))

        return net


def tensors_of(value: object, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor in nested dataclasses and dictionaries, by its path; whatever fields there are."""
    if isinstance(value, Tensor):
        yield name, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from tensors_of(getattr(value, field.name), f"{name}.{field.name}")
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from tensors_of(part, f"{name}.{key}")


def wide(batch: Batch) -> Batch:
    """The same samples in float64."""
    return Batch(*(getattr(batch, name).double() for name in ("x", "e", "r_B", "t_B")))


def wide_derivative(found: Derivative) -> Derivative:
    """The same derivative in float64."""
    return Derivative(found.u.double(), found.dudt.double())


class NothingNarrow(TorchDispatchMode):
    """Refuses, where all is to be float64, every result that is narrower: both sides would be rounded alike."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What the operator gives."""
        found = func(*args, **(kwargs or {}))
        for part in tree_leaves(found):
            if isinstance(part, Tensor) and part.is_floating_point() and part.dtype != torch.float64:
                raise AssertionError(f"{func} gives {part.dtype} where all is float64")
        return found


def worst(found: Tensor, expected: Tensor) -> float:
    """Largest difference in units of the largest expected number; of bool tensors, whether they differ."""
    if found.dtype == torch.bool:
        return float(not torch.equal(found, expected))
    found, expected = found.detach().double(), expected.detach()
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-300))
