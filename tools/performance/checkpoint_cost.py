"""Seconds of a checkpoint: those of writing it, and those that a training waits for one that is written behind it."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from neuromf.training.checkpoints.background import BackgroundWriter, Cost
from neuromf.training.checkpoints.checkpoint import AVERAGE, MOMENTS, WEIGHTS, Snapshot, write_checkpoint
from tools.performance.figures import Figure

PARTS = 64
"""Tensors of a file; a network has some hundred."""
SHARE_BAR = 0.5


def checkpoint_cost(folder: Path, numbers: int) -> list[Figure]:
    """Write a state of so many float32 numbers, a quarter of them weights, at once and behind the training."""
    state = _state(numbers)
    begun = time.perf_counter()
    write_checkpoint(folder, Snapshot(1, state, {"halted": "", "step": 1}))
    written = time.perf_counter() - begun
    costs: list[Cost] = []
    with BackgroundWriter(lambda taken: write_checkpoint(folder, taken), costs.append) as writer:
        writer.save(lambda _: _snapshot(state, 2, None))
        writer.save(lambda former: _snapshot(state, 3, former))
        longest, last = 0.0, time.perf_counter()
        while len(costs) < 2:  # as a training does, but without any work: how long is it ever held up?
            writer.check()
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    size = f"checkpoint of {4e-9 * numbers:.1f} GB"
    # The second of a training waited for the first here, which took as long as it was written.
    waited = costs[1].waited - costs[0].written
    return [
        Figure(f"{size}: written at once", written, "s"),
        Figure(f"{size}: the step waits, the first time", costs[0].waited, "s"),
        Figure(f"{size}: the step waits, from then on", waited, "s"),
        Figure(f"{size}: written behind the training", costs[1].written, "s"),
        Figure(f"{size}: longest hold of Python meanwhile", longest, "s"),
        Figure(f"{size}: wait over writing at once", waited / written, "", SHARE_BAR),
    ]


def _state(numbers: int) -> dict[str, dict[str, torch.Tensor]]:
    shares = {WEIGHTS: 1, AVERAGE: 1, MOMENTS: 2}
    return {
        name: {f"{part}": torch.full((share * numbers // 4 // PARTS,), 0.5) for part in range(PARTS)}
        for name, share in shares.items()
    }


def _snapshot(state: dict[str, dict[str, torch.Tensor]], step: int, former: Snapshot | None) -> Snapshot:
    """A copy of the state, into the memory of a former one where there is one."""
    held = state if former is None else former.tensors
    tensors = {
        name: {key: t.clone() if former is None else held[name][key].copy_(t) for key, t in part.items()}
        for name, part in state.items()
    }
    return Snapshot(step, tensors, {"halted": "", "step": step})
