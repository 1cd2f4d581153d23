"""From what the network outputs to the average velocity (law PRED-001)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from neuromf.flow.path import broadcast_time


def average_velocity(output: Tensor, z: Tensor, t_B: Tensor, prediction: Literal["u", "x"], t_min: float) -> Tensor:
    r"""Average velocity u(z, r, t) from the network's output.

    With `u` the output is u itself; with `x` it is :math:`\hat x` and :math:`u = (z - \hat x)/\max(t, t_{min})`
    (pMF, arXiv:2601.22158). `t_min` is the one that bounds the sampler (law TIME-004).

    Args:
        output: network output (B, ...), shaped like `z`.
        z: point on the path (B, ...).
        t_B: time of the point.
        prediction: what the network outputs.
        t_min: clamp of 1/t.
    """
    if prediction == "u":
        return output
    return (z - output) / broadcast_time(t_B.clamp(min=t_min), z)
