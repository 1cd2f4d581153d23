"""Time and memory of a MeanFlow step over those of a flow-matching step of the same network and batch."""

from __future__ import annotations

import statistics

import torch

from tools.performance.figures import Figure
from tools.performance.memory import peak_bytes
from tools.performance.timing import Times, ratio, side_by_side
from tools.performance.workload import MEANFLOW_FRACTION, Kind, Workload, steps

TIME_BARS = {"cpu": 1.35, "cuda": 1.25}
"""Of a step whose derivative is taken along v_c."""
ONE_MORE_EVALUATION = MEANFLOW_FRACTION / 3
"""Of the MF samples, in flow-matching steps: a forward pass is a third of a step by count of operations."""
MEMORY_BAR = 1.1
CHECKPOINTED_MEMORY_BAR = 0.5
BASE: Kind = "flow matching"


def step_times(workload: Workload, rounds: int, device: torch.device) -> Times:
    """Seconds of each kind of step but the checkpointed, which is judged by its memory."""
    timed = {name: step for name, step in steps(workload).items() if name != "checkpointed MeanFlow"}
    return side_by_side(timed, rounds, device)


def time_figures(times: Times, device: torch.device) -> list[Figure]:
    """The price of a flow-matching step in seconds, and of the others in flow-matching steps.

    Improved MeanFlow takes its tangent from the network, which is one more evaluation than the bar is stated for.
    """
    bar = TIME_BARS[device.type]
    bars: dict[str, float] = {"exact MeanFlow": bar, "improved MeanFlow": bar + ONE_MORE_EVALUATION}
    figures = [Figure("step of flow matching", statistics.median(times[BASE]), "s")]
    for name in times:
        if name != BASE:
            figures.append(Figure(f"step of {name} over flow matching", ratio(times, name, BASE), "x", bars.get(name)))
    return figures


def memory_figures(workload: Workload, device: torch.device) -> list[Figure]:
    """The peak of a flow-matching step in MiB, and of the others in that."""
    bars: dict[str, float] = {"exact MeanFlow": MEMORY_BAR, "improved MeanFlow": MEMORY_BAR}
    bars["checkpointed MeanFlow"] = CHECKPOINTED_MEMORY_BAR
    peaks = {name: peak_bytes(step, workload.net, device) for name, step in steps(workload).items()}
    figures = [Figure("peak memory of flow matching", peaks[BASE] / 2**20, "MiB")]
    for name, peak in peaks.items():
        if name != BASE:
            over = Figure(f"peak memory of {name} over flow matching", peak / peaks[BASE], "x", bars.get(name))
            figures.append(over)
    return figures
