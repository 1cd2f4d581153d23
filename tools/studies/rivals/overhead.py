"""What a checker adds to a step of about 50 ms: loops take turns, each beside the bare loop of its round."""

import contextlib
import io
import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from tools.studies.rivals.plan import Run, Settings, run_loop
from tools.studies.rivals.watcher import LoopWatcher

LARGE = Settings(seed=3, steps=100, evaluate_every=1_000, width=704, depth=3, batch=448)
ROUNDS = 7
BARE, AGAIN = "bare", "bare again"


def step_times(run: Run, watcher: LoopWatcher) -> tuple[float, float]:
    """Mean and median seconds of a step."""
    with contextlib.redirect_stdout(io.StringIO()):
        seconds = [row["seconds"] for row in run_loop(run, watcher)]
    return statistics.fmean(seconds), statistics.median(seconds)


def measure(watchers: Mapping[str, Callable[[], LoopWatcher]], file: Path, rounds: int = ROUNDS) -> None:
    """Median over rounds of the ratio to the bare loop, of the mean step and of the median one; with the bare step.

    The bare loop takes one more turn in each round: how far it is from itself is what the machine's noise does.
    """
    torch.set_num_threads(1)
    run = Run("overhead", "plain", LARGE)
    made = {BARE: LoopWatcher, **watchers, AGAIN: LoopWatcher}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, make in made.items():
            found[name].append(step_times(run, make()))
    bare = found.pop(BARE)
    kept = {
        name: {
            "mean": statistics.median(own[0] / base[0] for own, base in zip(times, bare, strict=True)),
            "median": statistics.median(own[1] / base[1] for own, base in zip(times, bare, strict=True)),
            "bare_ms": 1e3 * statistics.median(base[1] for base in bare),
        }
        for name, times in found.items()
    }
    file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
