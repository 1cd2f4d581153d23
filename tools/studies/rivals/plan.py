"""What is run: two loops, sixty healthy settings, reference runs for those who learn from them, and the faults."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from tools.studies.rivals.catalogue import LoopFault, faults, script
from tools.studies.rivals.watcher import LoopWatcher

LOOPS = ("plain", "meanflow")
HEALTHY, REFERENCES = 30, 3
"""Runs a loop; references are not among the healthy ones that are judged."""
PLAN_SEED = 21
Rows = list[dict[str, float]]


@dataclass(frozen=True)
class Settings:
    """What a loop is given; each uses what it needs. `onset` is the step at which a fault that comes later begins."""

    seed: int = 0
    steps: int = 400
    onset: int = 100
    evaluate_every: int = 50
    width: int = 32
    depth: int = 2
    batch: int = 64
    rate: float = 3e-3
    warmup: int = 20
    dropout: float = 0.1
    weight_decay: float = 0.01
    decay: float = 0.95


SHORT = {"steps": 10, "onset": 5, "evaluate_every": 4, "warmup": 4}
"""Of TrainCheck's runs: its documentation asks for short ones, and a traced step takes a second."""


@dataclass(frozen=True)
class Run:
    """One run of a loop. `fault` is None where it is healthy."""

    name: str
    loop: str
    settings: Settings
    fault: LoopFault | None = None


def drawn(loop: str, count: int, seed: int) -> list[Settings]:
    """Hyperparameters of healthy runs."""
    generator = np.random.default_rng([seed, LOOPS.index(loop)])
    return [
        Settings(
            seed=1000 * seed + place, width=int(generator.choice([24, 32, 48])), depth=int(generator.choice([1, 2, 3])),
            batch=int(generator.choice([32, 64, 96])), rate=float(generator.choice([1e-3, 2e-3, 4e-3])),
            warmup=int(generator.choice([5, 20, 40])), dropout=float(generator.choice([0.05, 0.1, 0.2])),
            weight_decay=float(generator.choice([0.01, 0.05])), decay=float(generator.choice([0.9, 0.95, 0.98])),
        )
        for place in range(count)
    ]  # fmt: skip


def healthy_runs() -> list[Run]:
    """Thirty a loop."""
    plan = [(loop, n, s) for loop in LOOPS for n, s in enumerate(drawn(loop, HEALTHY, PLAN_SEED))]
    return [Run(f"healthy-{loop}-{n:02}", loop, s) for loop, n, s in plan]


def reference_runs() -> list[Run]:
    """Known to be good, for a checker that learns from such runs."""
    plan = [(loop, n, s) for loop in LOOPS for n, s in enumerate(drawn(loop, REFERENCES, PLAN_SEED + 1))]
    return [Run(f"reference-{loop}-{n}", loop, s) for loop, n, s in plan]


BASE = Settings(seed=7)


def base_runs() -> list[Run]:
    """Both loops without a fault, with the faulty runs' settings: what is said of them says nothing of a fault."""
    return [Run(f"base-{loop}", loop, BASE) for loop in LOOPS]


def faulty_runs() -> list[Run]:
    """One a fault."""
    return [Run(fault.id, fault.loop, BASE, fault) for fault in faults()]


def all_runs() -> list[Run]:
    """In the order in which they are made."""
    return [*base_runs(), *faulty_runs(), *healthy_runs()]


def short(run: Run) -> Run:
    """The same run, of few steps."""
    return replace(run, settings=replace(run.settings, **SHORT))


def run_loop(run: Run, watcher: LoopWatcher | None = None) -> Rows:
    """Train in this process: a row a step."""
    names: dict[str, Any] = {"__name__": f"rivals_{run.loop}"}
    exec(compile(script(run.loop, run.fault), f"{run.name}.py", "exec"), names)
    train: Callable[[SimpleNamespace, LoopWatcher], Rows] = names["train"]
    return train(SimpleNamespace(**asdict(run.settings)), watcher or LoopWatcher())
