"""Replicas of a network that should be the same bits on every process (law BATCH-003)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from torch import Tensor

from neuromf.monitor.checks.step_checks import fingerprint
from neuromf.training.process_group.ranks import current_group


def parted_replicas(parameters: Sequence[Tensor]) -> tuple[int, ...]:
    """By rank, how many parameters are not those of rank 0; sharded ones are not replicas, and none differ.

    Every process must call this at the same step.
    """
    group = current_group()
    sharding = sys.modules.get("torch.distributed.tensor")
    sharded = sharding is not None and any(isinstance(parameter, sharding.DTensor) for parameter in parameters)
    if group.size == 1 or sharded:
        return (0,)
    return tuple(int(count) for count in group.count_mismatches(fingerprint(parameters)).tolist())
