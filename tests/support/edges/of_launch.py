"""Edges of what a run is judged by before its first step, on networks whose derivative is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from neuromf.config import Config
from neuromf.flow.batch import Batch
from neuromf.flow.network import NetOutput
from neuromf.monitor.checks.launch_checks import launch_readings
from neuromf.monitor.checks.runtime_checks import judge
from neuromf.nets.unet import MeanFlowUnet
from tests.support.edges.edge import Edge, broken, plain, upper

CLAMPED = "meanflow.prediction=x meanflow.t_min=0.05 time_sampling.t_min=0.001 time_sampling.mu"
"""A run that predicts x and draws times below its clamp, as many as its mean says."""


class TimeNet(MeanFlowUnet):
    """A network that is a function of t alone, the same in every dim."""

    def __init__(self, of_t: Callable[[Tensor], Tensor]) -> None:
        nn.Module.__init__(self)
        self.of_t = of_t

    def forward(self, z: Tensor, r_B: Tensor, t_B: Tensor) -> NetOutput:
        """f(t)."""
        return NetOutput(self.of_t(t_B).reshape(-1, *(1,) * (z.ndim - 1)).expand_as(z), None)


def at_launch(
    of_t: Callable[[Tensor], Tensor] = torch.exp, config: Config | None = None, r: float = 0.25, t: float = 0.5
) -> set[str]:
    """Laws that a launch breaks with this network and this pair of times in the second of two samples."""
    x = torch.linspace(-1, 1, 16).reshape(2, 2, 2, 2, 1)
    batch = Batch(x, -2 * x, torch.tensor([0.25, r]), torch.tensor([0.5, t]))
    return broken(launch_readings(config or plain(), TimeNet(of_t), batch))


def asked_of_a_device(kind: str, error: float) -> set[str]:
    """Laws that a device breaks whose gradient is so far from float32's."""
    return broken([judge("PREC-003", errors=[("output", "fp32", 1e-6), ("gradient of a weight", kind, error)])])


def launch_edges() -> Iterator[Edge]:
    """All of them."""
    yield Edge("TIME-001", "smallest t", lambda t: at_launch(r=0.0, t=t), (0.055, 0.05), (0.045,))
    yield Edge("TIME-001", "largest t", lambda t: at_launch(t=t), (0.99, 1.0), (1.1,))
    yield Edge("TIME-001", "order", lambda r: at_launch(r=r), (0.45, 0.5), (0.55,))
    yield Edge("TIME-001", "smallest r", lambda r: at_launch(r=r), (0.0, 0.01), (-0.01, math.nan))
    # P(t < 0.05) is 0.99 % at mu -1.66 and 1.2 % at -1.74.
    yield Edge("TIME-004", "share", _with(CLAMPED), (-1.5,), (-1.8,))
    # d_t exp(c t) = c exp(c t).
    yield Edge("JVP-005", "rate", lambda c: at_launch(lambda t: torch.exp(c * t)), (9.0,), (11.0,))
    # A forward difference of t^2 is off by h / 2t, which is h at t = 1/2.
    difference = _with("meanflow.jvp=finite_difference meanflow.fd_step", torch.square)
    yield Edge("JVP-003", "difference", difference, (0.09,), (0.11,))
    yield Edge("GUARD-001", "armed", _with("training.divergence_threshold"), (11.0, 1e6), (9.0, 10.0, "null"))
    for kind, bound in (("fp32", 8e-5), ("tf32", 0.02), ("bf16", 0.25)):
        yield upper("PREC-003", f"device in {kind}", lambda e, k=kind: asked_of_a_device(k, e), bound)
    yield Edge("GUARD-001", "monitors", _with("training.monitors"), ("true",), ("false",))


def _with(keys: str, of_t: Callable[[Tensor], Tensor] = torch.exp) -> Callable[[object], set[str]]:
    """Laws that a launch breaks where the last of some keys has another value."""
    return lambda value: at_launch(of_t, plain(*f"{keys}={value}".split()))
