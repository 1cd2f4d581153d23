"""`neuromf.watch_training`: the silent-fault checks for any torch loop, in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from neuromf.any_loop.guard import Guard
from neuromf.any_loop.silent.average_watch import AverageWatch, Decay
from neuromf.any_loop.silent.optimisers import Optimisers
from neuromf.any_loop.silent.training_watch import TrainingWatch


def watch_training(
    model: nn.Module,
    optimizer: Any,  # noqa: ANN401
    *,
    ema: Any = None,  # noqa: ANN401
    decay: Decay = None,
    lr: Callable[[int], float] | None = None,
    clip: float | None = None,
    idle: Sequence[str] = (),
    over_ranks: bool = False,
    guard: Guard | None = None,
) -> TrainingWatch:
    """Look for faults that no loss shows, in the first ten updates and in every fiftieth.

    Gradients that were not cleared (OPT-003), parameters that the optimiser lacks or that do not move (OPT-002), steps
    that are no updates (OPT-004), weights that are not finite (NUM-001), an average off its closed form or counted in
    micro-batches (EMA-001), a clip that does not hold (OPT-005), a rate off its schedule (LR-002), replicas that part
    (BATCH-003). Hooks on the optimiser do it: the loop stays as it is.

    Args:
        model: the network.
        optimizer: that trains it, or several.
        ema: the average of its weights, if there is one.
        decay: of that average, or a function from its number of updates.
        lr: the schedule: learning rate by number of the update, from 0.
        clip: largest norm of the gradient, where the loop clips it.
        idle: beginnings of the names of parameters that may stand still.
        over_ranks: whether every process of torch.distributed calls this, so that replicas can be compared.
        guard: takes over what is found, into its verdicts, its record and its state; without one it is logged.

    Raises:
        InputError: there is no torch optimiser, or `ema` is no average of this network.
    """
    average = AverageWatch(ema, model, decay) if ema is not None else None
    watch = TrainingWatch(
        model, Optimisers(optimizer), average, lr, clip, tuple(idle), over_ranks=over_ranks, guarded=guard is not None
    )
    if guard is not None:
        guard.attach(watch)
    return watch
