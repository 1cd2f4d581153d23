"""neuromf's three: `diagnose` on the log alone, the guard on each step's numbers, and `watch_training` in the loop."""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import neuromf
from neuromf.any_loop.silent.training_watch import TrainingWatch
from neuromf.any_loop.verdict import STOPS
from neuromf.monitor.guard.alarm import Alarm as GuardAlarm
from tools.studies.rivals.heard import Heard, SaidAlarm, append, first_of_each, runs_heard
from tools.studies.rivals.logs import hear_log
from tools.studies.rivals.overhead import measure
from tools.studies.rivals.plan import Run, all_runs, run_loop
from tools.studies.rivals.watcher import LoopWatcher

NOTHING = {"plain": 2.0794, "meanflow": 2.0}
"""Loss of predicting nothing: log 8 of eight classes, and 2 a dimension of standardised data."""


def diagnosed(log: Path) -> list[SaidAlarm]:
    """What `neuromf diagnose` says of a log."""
    found: list[SaidAlarm] = []
    for verdict in neuromf.diagnose_logs(log):
        suspects = "; ".join(f"suspect: {one.name}" for one in verdict.suspects[:1])
        for one in verdict.alarms:
            text = f"{one.says}; {suspects}"
            found.append(SaidAlarm(one.law, "error" if one.stops else "warning", None, text))
    return found


class _Ours(LoopWatcher):
    def __init__(self) -> None:
        self.alarms: list[SaidAlarm] = []

    def hear(self, step: int, alarms: Iterable[GuardAlarm]) -> None:
        """Note alarms of a step."""
        for one in alarms:
            self.alarms.append(SaidAlarm(one.law, "error" if one.level in STOPS else "warning", step, one.message))


class GuardedLoop(_Ours):
    """`neuromf.Guard`, told loss and norm of each step."""

    def __init__(self, nothing: float) -> None:
        super().__init__()
        self._guard = neuromf.Guard(nothing=nothing)

    def step(self, loss: Tensor, row: Mapping[str, float], *, skipped: bool = False) -> None:
        """The loss that is shown, and the norm before the clip."""
        told = self._guard.step(row["loss"], grad_norm=row["grad_norm"], skipped=skipped, lr=row["lr"])
        self.hear(told.step, told.alarms)


class WatchedLoop(_Ours):
    """`neuromf.watch_training`, told the schedule, the clip and the average."""

    _watch: TrainingWatch

    def start(
        self, model: nn.Module, optimizer: Any, *, lr: Callable[[int], float], clip: float, ema: Any = None,  # noqa: ANN401
        decay: float | None = None,
    ) -> None:  # fmt: skip
        """Hang its hooks."""
        self._watch = neuromf.watch_training(model, optimizer, ema=ema, decay=decay, lr=lr, clip=clip)

    def step(self, loss: Tensor, row: Mapping[str, float], *, skipped: bool = False) -> None:
        """What was found since the last step, as the guard of a loop takes it."""
        self.hear(int(row["step"]), self._watch.take())

    def evaluation(self) -> AbstractContextManager[None]:
        """Looked at before and after."""
        return self._watch.evaluation()

    def close(self) -> None:
        """Hooks off."""
        self._watch.close()


class BothOfOurs(LoopWatcher):
    """Guard and `watch_training` beside each other, neither of which changes the loop or hears of the other."""

    def __init__(self, nothing: float) -> None:
        self.guard, self.watch = GuardedLoop(nothing), WatchedLoop()

    def start(
        self, model: nn.Module, optimizer: Any, *, lr: Callable[[int], float], clip: float, ema: Any = None,  # noqa: ANN401
        decay: float | None = None,
    ) -> None:  # fmt: skip
        """For the one that looks at weights."""
        self.watch.start(model, optimizer, lr=lr, clip=clip, ema=ema, decay=decay)

    def step(self, loss: Tensor, row: Mapping[str, float], *, skipped: bool = False) -> None:
        """For both."""
        self.guard.step(loss, row, skipped=skipped)
        self.watch.step(loss, row, skipped=skipped)

    def evaluation(self) -> AbstractContextManager[None]:
        """For the one that looks at weights."""
        return self.watch.evaluation()

    def close(self) -> None:
        """Hooks off."""
        self.watch.close()


def hear_run(run: Run) -> list[Heard]:
    """All that ours say of a run, which is made once: none of them changes it."""
    both = BothOfOurs(NOTHING[run.loop])
    rows = run_loop(run, both)
    heard = {"neuromf Guard": both.guard.alarms, "neuromf watch_training": both.watch.alarms}
    found = [Heard(tool, run.name, first_of_each(alarms), 0.0) for tool, alarms in heard.items()]
    return [*found, *hear_log("neuromf diagnose", run.name, rows, diagnosed)]


def hear_all(out: Path) -> None:
    """Every run."""
    torch.set_num_threads(1)
    logging.getLogger("neuromf").setLevel(logging.ERROR)
    file = out / "ours.jsonl"
    done = runs_heard(file)
    for run in (one for one in all_runs() if one.name not in done):
        for heard in hear_run(run):
            append(file, heard)


def measure_overhead(out: Path) -> None:
    """Each of the two that are in the loop."""
    guarded = partial(GuardedLoop, NOTHING["plain"])
    measure({"neuromf Guard": guarded, "neuromf watch_training": WatchedLoop}, out / "overhead-ours.json")
