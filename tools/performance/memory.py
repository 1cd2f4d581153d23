"""Peak memory of a call above what was held before it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from operator import itemgetter

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile


def peak_bytes(call: Callable[[], object], net: nn.Module, device: torch.device) -> int:
    """Largest sum of live tensors that `call` made, in bytes, on its second run.

    Args:
        call: what to measure; it begins by clearing the gradients of `net`.
        net: what is left empty before the second run: gradients of the first, freed in the second, would be taken off
            what the second holds.
        device: where the tensors live.
    """
    call()
    net.zero_grad(set_to_none=True)
    return _peak_of_cuda(call, device) if device.type == "cuda" else _peak_of_cpu(call)


def _peak_of_cuda(call: Callable[[], object], device: torch.device) -> int:
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    call()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _peak_of_cpu(call: Callable[[], object]) -> int:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    events = profiler.profiler.kineto_results.events()
    changes = [(event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]"]
    return max(accumulate(size for _, size in sorted(changes, key=itemgetter(0))), default=0)
