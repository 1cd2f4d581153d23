"""The sequential test of a training: MF over FM loss, block by block, until it is decided."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from neuromf_spec.laws.divergence import LARGEST_TERM_RATIO

from neuromf.bisect.oracle import Verdict

BLOCK = 32
"""Micro-batches whose medians are judged together."""
BROKEN = LARGEST_TERM_RATIO
"""Law GUARD-006's bound on MF over FM loss, above which two blocks in a row end a training."""
HEALTHY = 2.4
"""What the nine healthy trainings of golden/replay/epochs60 reach at most; two blocks in a row below it end one, in its
second half. Trainings that will diverge pass it before: with either half of the failed run's cause alone they are at
5 to 8 there (six trainings)."""
BETWEEN = math.sqrt(BROKEN * HEALTHY)
DOUBT = 1.2
"""At the end the middle of the two bounds parts them, on the logarithm; within this factor of it nothing is said."""
TOGETHER = 2


def judge_blocks(ratios: Sequence[float], total: int) -> Verdict | None:
    """The verdict on a training after `len(ratios)` of `total` blocks, None while it is open.

    Args:
        ratios: median raw MF over median raw FM loss of each block; comparisons are written so that NaN breaks.
        total: blocks of the whole training.
    """
    last = ratios[-TOGETHER:]
    ended = len(ratios) >= total
    if len(last) == TOGETHER and not any(ratio <= BROKEN for ratio in last):
        return Verdict.BROKEN
    if len(last) == TOGETHER and 2 * len(ratios) > total and all(ratio <= HEALTHY for ratio in last):
        return Verdict.HEALTHY
    if not ended or not last:
        return None
    level = math.exp(statistics.fmean(math.log(max(ratio, 1e-30)) for ratio in last))
    if not level <= BETWEEN * DOUBT:
        return Verdict.BROKEN
    return Verdict.HEALTHY if level <= BETWEEN / DOUBT else Verdict.UNDECIDED


def block_ratio(flow: Iterable[float | None], meanflow: Iterable[float | None]) -> float | None:
    """MF over FM loss of a block of steps, from medians; None where a term has no sample."""
    flows = [value for value in flow if value is not None]
    meanflows = [value for value in meanflow if value is not None]
    if not flows or not meanflows:
        return None
    level = statistics.median(flows)
    return statistics.median(meanflows) / level if level > 0 else math.inf
