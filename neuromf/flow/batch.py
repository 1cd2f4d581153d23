"""One micro-batch: data, noise and times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neuromf.flow.settings import TimeSettings
from neuromf.flow.times import sample_times


@dataclass(frozen=True)
class Batch:
    """One micro-batch.

    Attributes:
        x: data (B, ...), normalised.
        e: standard normal noise, shaped like `x`.
        r_B: start of the averaging interval.
        t_B: time of the sample; r = t marks an FM sample.
        digest: what data and noise are recorded by, empty where nobody records them.
        mf_rows: places of the MF samples, those with r < t, in order, known to who draws the times on the host.
            None where the device is to be asked, and waited for.
        y_BK: covariates of each sample, zeros where nothing is known; None where the network is told of none.
        mask: weight of each cell in the loss, (B, 1, D, H, W): 0 in blocks that it leaves out (law MASK-001). None is 1
            throughout.
    """

    x: Tensor
    e: Tensor
    r_B: Tensor
    t_B: Tensor
    digest: str = ""
    mf_rows: Tensor | None = None
    y_BK: Tensor | None = None
    mask: Tensor | None = None


def rows_of_mf(r_B: Tensor, t_B: Tensor) -> Tensor:
    """Places of the samples with r < t."""
    return (r_B < t_B).nonzero().squeeze(1)


def draw_batch(x: Tensor, settings: TimeSettings, generator: np.random.Generator, *, start: int = 0) -> Batch:
    """Draw noise and times for data.

    Args:
        x: data (B, ...), normalised.
        settings: distribution of the times.
        generator: source of both; noise is drawn on the CPU, so that every device sees the same.
        start: samples drawn before, which decide how many of the batch are FM samples (law TIME-002).
    """
    times = sample_times(len(x), settings, generator, start=start)
    e = torch.from_numpy(generator.standard_normal(tuple(x.shape), dtype=np.float32)).to(x)
    r_B, t_B = (torch.from_numpy(time_B).to(x) for time_B in (times.r_B, times.t_B))
    return Batch(x, e, r_B, t_B)
