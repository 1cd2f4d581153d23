"""A clip that does not hold, or that holds at another number than the loop's limit (law OPT-005)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import torch
from neuromf_spec.law import Finding
from neuromf_spec.laws.optimiser import CLIP_TOLERANCE
from torch import Tensor

from neuromf.any_loop.silent.findings import judged
from neuromf.monitor.guard.alarm import Alarm, Level, alarm_of

SAME = 5
"""Looks in a row with one norm: no gradient has the same one twice, but those that are cut to it."""


class ClipLook:
    """Looks at the norm that the optimiser is given.

    Args:
        limit: the loop's.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._norms: deque[float] = deque(maxlen=SAME)

    def look(self, gradients: Sequence[Tensor]) -> list[Alarm]:
        """Judge one step, a thousandth borne."""
        norm = float(torch.nn.utils.get_total_norm(gradients))
        self._norms.append(norm)
        if not norm <= self._limit * (1 + CLIP_TOLERANCE):
            return judged("OPT-005", before=norm, after=norm, limit=self._limit)
        low, high = min(self._norms), max(self._norms)
        cut = len(self._norms) == SAME and 0 < high <= low * (1 + CLIP_TOLERANCE)
        if not cut or high >= self._limit * (1 - CLIP_TOLERANCE):
            return []
        detail = f"at {SAME} looks in a row: it is clipped to that, perhaps before its scale is taken off"
        finding = Finding(passed=False, value=norm, bound=f"= {self._limit:g}", unit="gradient norm", detail=detail)
        return [alarm_of("OPT-005", Level.WARN, finding)]
