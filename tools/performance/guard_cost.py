"""What the guard of any loop takes of a step: seconds inside its own calls and its hooks, as with our own monitors."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from neuromf_spec.laws.silent_faults import EVERY_STEPS, judged_step
from torch import nn

from neuromf.any_loop.guard import Guard
from neuromf.any_loop.silent.training_watch import TrainingWatch
from neuromf.any_loop.silent.watching import watch_training
from tools.performance.figures import Figure
from tools.performance.monitor_cost import charged
from tools.performance.timing import seconds_of

SHARE_BAR = 2.0
"""Per cent of a step of 50 ms."""
STEP = 0.050
CALLS = ((Guard, "step"), (TrainingWatch, "before_step"), (TrainingWatch, "after_step"))
WIDTH, DEPTH, BATCH = 512, 6, 512
"""A step of some 50 ms on two cores, with 1.6 million weights and an average of them."""


def guard_cost(folder: Path, rounds: int, device: torch.device) -> list[Figure]:
    """Train with a guard, its record and its looks for silent faults, and tell their seconds from those of the rest.

    Args:
        folder: where the record is written.
        rounds: steps; those that are looked into are told apart.
        device: where they are made.
    """
    steps: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    with charged(CALLS, device) as bill:
        one_step = _loop(device, folder / "run")
        for index in range(rounds):
            bill.seconds = 0.0
            whole = seconds_of(one_step, device)
            steps[judged_step(index)].append((bill.seconds, whole - bill.seconds))
    ordinary = statistics.median(guard for guard, _ in steps[False])
    looked = statistics.median(guard for guard, _ in steps[True][1:])
    rest = statistics.median(rest for _, rest in steps[False])
    mean = ordinary + looked / EVERY_STEPS
    return [
        Figure("step of a loop without its guard", rest, "s"),
        Figure("guard: in a step", 1e3 * ordinary, "ms"),
        Figure("guard: in one step of fifty", 1e3 * looked, "ms"),
        # A faster machine has a shorter step; the bar is for one of 50 ms, and for longer ones.
        Figure("guard: share of a step of 50 ms or more", 100 * mean / max(rest, STEP), "%", SHARE_BAR),
    ]


def _loop(device: torch.device, folder: Path) -> Callable[[], None]:
    torch.manual_seed(0)
    layers = [part for _ in range(DEPTH) for part in (nn.Linear(WIDTH, WIDTH), nn.SiLU())]
    net = nn.Sequential(*layers).to(device)
    optimiser = torch.optim.AdamW(net.parameters(), 1e-4)
    rule = torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)  # type: ignore[no-untyped-call]
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=rule)
    x = torch.randn(BATCH, WIDTH, device=device)
    guard = Guard(folder)
    watch_training(net, optimiser, ema=average, decay=0.99, lr=lambda step: 1e-4, clip=1.0, guard=guard)

    def step() -> None:
        optimiser.zero_grad()
        loss = (net(x) - x).square().mean()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        guard.step(loss, grad_norm=norm, lr=1e-4)
        optimiser.step()
        average.update_parameters(net)

    return step
