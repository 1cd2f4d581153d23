"""What is run: two loops, sixty healthy settings, reference runs for those who learn from them, and the faults."""

import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from types import SimpleNamespace
from typing import Any

import numpy as np

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
class LoopFault:
    """One change of a loop's script.

    Attributes:
        id: short name.
        loop: that is changed.
        origin: public name of the bug, or "ours".
        title: what is wrong.
        cause: words of which an alarm has one if it names the cause, in lower case.
        later: whether it begins at `onset`, not at the first step.
        edits: text of the script, which stands in it once, and what takes its place.
    """

    id: str
    loop: str
    origin: str
    title: str
    cause: tuple[str, ...]
    later: bool
    edits: tuple[tuple[str, str], ...]

    @property
    def public(self) -> bool:
        """Whether somebody else met it."""
        return self.origin != "ours"

    def first_step(self, settings: Settings) -> int:
        """Step at which it begins."""
        return settings.onset if self.later else 0


@dataclass(frozen=True)
class Run:
    """One run of a loop. `fault` is None where it is healthy."""

    name: str
    loop: str
    settings: Settings
    fault: LoopFault | None = None


@cache
def faults() -> tuple[LoopFault, ...]:
    """The catalogue."""
    document = tomllib.loads((resources.files(__package__) / "faults.toml").read_text(encoding="utf-8"))
    return tuple(
        LoopFault(
            row["id"], row["loop"], row["origin"], row["title"], tuple(row["cause"]), row.get("later", False),
            tuple((find, put) for find, put in row["edits"]),
        )
        for row in document["fault"]
    )  # fmt: skip


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


def faulty_runs() -> list[Run]:
    """One a fault, with the first settings."""
    return [Run(fault.id, fault.loop, Settings(seed=7), fault) for fault in faults()]


def short(run: Run) -> Run:
    """The same run, of few steps."""
    return replace(run, settings=replace(run.settings, **SHORT))


def script(loop: str, fault: LoopFault | None = None) -> str:
    """Text of a loop, with a fault or none.

    Raises:
        ValueError: an edit's text does not stand in the script exactly once.
    """
    text = (resources.files(f"{__package__}.scripts") / f"{loop}.py").read_text(encoding="utf-8")
    for find, put in fault.edits if fault is not None else ():
        if text.count(find) != 1:
            raise ValueError(f"{fault.id if fault else loop}: {find!r} stands {text.count(find)} times in the script")
        text = text.replace(find, put)
    return text


def run_loop(run: Run, watcher: LoopWatcher | None = None) -> Rows:
    """Train in this process: a row a step."""
    names: dict[str, Any] = {"__name__": f"rivals_{run.loop}"}
    exec(compile(script(run.loop, run.fault), f"{run.name}.py", "exec"), names)
    train: Callable[[SimpleNamespace, LoopWatcher], Rows] = names["train"]
    return train(SimpleNamespace(**asdict(run.settings)), watcher or LoopWatcher())
