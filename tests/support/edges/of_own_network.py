"""Edges of what an own network is judged by before it trains, and of the weights that a run starts from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from neuromf.monitor.checks.network_points import points
from neuromf.monitor.checks.network_probe import _readings
from neuromf.monitor.checks.runtime_checks import judge
from tests.support.edges.edge import Edge, broken, none_of

AT = points((4, 4, 4, 4), torch.device("cpu"), covariates=2)


class Bent(torch.autograd.Function):
    """The identity, whose forward derivative is too large by a share."""

    @staticmethod
    def forward(value: Tensor, share: float) -> Tensor:
        """As it is."""
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keep the share."""
        ctx.share = inputs[1]

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, share: None) -> Tensor:
        """Off by the share."""
        return tangent * (1 + ctx.share)


class Tried(nn.Module):
    """A network that breaks one law at a time, by the size of one number."""

    def __init__(
        self, *, company: float = 0.0, of_t: float = 1.0, of_r: float = 1.0, of_y: float = 1.0, bent: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.company, self.of_t, self.of_r, self.of_y, self.bent = company, of_t, of_r, of_y, bent

    def forward(self, z: Tensor, r_B: Tensor, t_B: Tensor, y_BK: Tensor | None = None) -> Tensor:
        """A multiple of z, moved with each time and with covariates."""
        r, t = (time.reshape(-1, 1, 1, 1, 1) for time in (r_B, t_B))
        u = self.weight * z + self.of_t * t.sin() + self.of_r * r.cos() + self.company * z.mean(0)
        if y_BK is not None:
            u = u + self.of_y * y_BK.sum(1).reshape(-1, 1, 1, 1, 1)
        return Bent.apply(u, self.bent)  # type: ignore[no-any-return]


def own_network_edges() -> Iterator[Edge]:
    """All of them."""
    yield Edge("LOSS-001", "company", tried("company"), (0.0,), (1e-3, -1e-3))
    yield Edge("NET-001", "t", tried("of_t"), (1.0, 1e-3), (0.0,))
    yield Edge("NET-001", "r", tried("of_r"), (1.0, 1e-3), (0.0,))
    yield Edge("NET-002", "covariates", tried("of_y"), (1.0, 1e-3), (0.0,))
    yield Edge("JVP-001", "forward derivative", tried("bent"), (0.0, 0.018, -0.018), (0.022, -0.022, math.nan))
    yield none_of("CKPT-001", "initial weights", lambda number: broken(_readings(Tried(), AT, ["weight"] * number)))
    yield none_of("CKPT-002", "weights to start from", started)


def tried(name: str) -> Callable[[float], set[str]]:
    """Laws that a network breaks whose number of this name has a value."""
    return lambda value: broken(_readings(Tried(**{name: value}), AT, []))


def started(number: int) -> set[str]:
    """Laws that a start breaks of whose tensors so many differ from those recorded."""
    return broken([judge("CKPT-002", differing=["weight"] * number)])
