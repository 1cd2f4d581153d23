"""What a network is to the objective and the sampler: a function of a point, two times and, perhaps, covariates."""

from __future__ import annotations

from typing import NamedTuple, Protocol, cast

from torch import Tensor

from neuromf.flow.jvp import Field
from neuromf.flow.prediction import average_velocity
from neuromf.flow.settings import ObjectiveSettings


class NetOutput(NamedTuple):
    """What a network returns: the predicted quantity and, with a v-head, a velocity; both shaped like z."""

    prediction: Tensor
    v_head: Tensor | None


class Net(Protocol):
    """A network of a point and two times."""

    def __call__(self, z: Tensor, r_B: Tensor, t_B: Tensor) -> NetOutput | Tensor:
        """Evaluate the network at points `z` (B, ...) and times r <= t; a tensor is the prediction alone."""


class CovariateNet(Protocol):
    """A network that may also be told of covariates."""

    def __call__(self, z: Tensor, r_B: Tensor, t_B: Tensor, y_BK: Tensor) -> NetOutput | Tensor:
        """As `Net`, with covariates (B, K): zeros where nothing is known of a sample."""


def told(net: Net, y_BK: Tensor | None) -> Net:
    """The network of a point and two times that `net` is once it is told of covariates; `net` itself for None."""
    if y_BK is None:
        return net
    whole = cast("CovariateNet", net)
    return lambda z, r_B, t_B: whole(z, r_B, t_B, y_BK)


def known_rows(y_BK: Tensor) -> Tensor:
    """Samples of whose covariates at least one is known, (B,)."""
    return (y_BK != 0).any(1)


def evaluate(net: Net, z: Tensor, r_B: Tensor, t_B: Tensor) -> NetOutput:
    """What the network returns, with its prediction in the type of `z`, whatever autocast made of it."""
    output = net(z, r_B, t_B)
    prediction, v_head = output if isinstance(output, NetOutput) else (output, None)
    return NetOutput(prediction.to(z.dtype), None if v_head is None else v_head.to(z.dtype))


def velocity_field(net: Net, settings: ObjectiveSettings, y_BK: Tensor | None = None) -> Field:
    """The average velocity that the objective differentiates and the sampler follows.

    Args:
        net: the network.
        settings: what it predicts, and the clamp of 1/t.
        y_BK: covariates of the samples (B, K), for a network that is told of them; None tells it nothing.
    """
    own = told(net, y_BK)

    def field(z: Tensor, r_B: Tensor, t_B: Tensor) -> Tensor:
        return average_velocity(evaluate(own, z, r_B, t_B).prediction, z, t_B, settings.prediction, settings.t_min)

    return field
