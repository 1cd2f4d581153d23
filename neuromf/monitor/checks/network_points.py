"""The points at which a network of the user's own is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Points:
    """Two samples: points (2, C, D, H, W), times (2,), a velocity like the points, and covariates (2, K) if any."""

    z: Tensor
    r_B: Tensor
    t_B: Tensor
    v: Tensor
    y_BK: Tensor | None = None

    def like(self, kind: torch.dtype) -> Points:
        """The same in another type."""
        return self._each(lambda part: part.to(kind))

    @property
    def first(self) -> Points:
        """The first sample alone."""
        return self._each(lambda part: part[:1])

    def _each(self, change: Callable[[Tensor], Tensor]) -> Points:
        known = None if self.y_BK is None else change(self.y_BK)
        return Points(change(self.z), change(self.r_B), change(self.t_B), change(self.v), known)


def points(shape: tuple[int, ...], device: torch.device, covariates: int = 0) -> Points:
    """Fixed points of latents of this shape (C, D, H, W), with so many covariates."""
    generator = torch.Generator().manual_seed(0)
    z, v = (torch.randn((2, *shape), generator=generator).to(device) for _ in range(2))
    times = torch.tensor([[0.2, 0.1], [0.7, 0.4]], device=device)
    known = torch.randn((2, covariates), generator=generator).to(device) if covariates else None
    return Points(z, times[0], times[1], v, known)
