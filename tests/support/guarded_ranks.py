"""What a rank's guard and watch of a loop of the user's own say, of numbers and replicas that part."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neuromf.any_loop.guard import Guard
from neuromf.any_loop.silent.watching import watch_training
from neuromf.training.process_group.ranks import ProcessGroup


def observe_guards(group: ProcessGroup) -> dict[str, Any]:
    """A loss that is not finite on rank 1 alone, one that is another there, and replicas that part at step 3."""
    guard = Guard(over_ranks=True)
    whole = guard.step(1.0 + group.rank, grad_norm=1.0)
    broken = guard.step(float("nan") if group.rank else 1.0)
    said: list[tuple[int, str]] = []
    torch.manual_seed(0)
    net = nn.Linear(2, 1)
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    other = Guard(over_ranks=True)
    watch_training(net, optimiser, guard=other, over_ranks=True)
    for step in range(6):
        optimiser.zero_grad()
        loss = net(torch.ones(1, 2)).square().mean()
        loss.backward()
        verdict = other.step(loss, raw_loss=loss)
        said += [(step, alarm.message) for alarm in verdict.fresh if alarm.law == "BATCH-003"]
        if step == 3 and group.rank:
            with torch.no_grad():
                net.bias.add_(1.0)
        optimiser.step()
    return {"whole": whole.stop, "broken": (broken.stop, broken.laws), "parted": said}
