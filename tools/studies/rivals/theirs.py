"""losslint, trainspotter and torch-audit, each as its authors advise and with its defaults."""

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from losslint.checks import run_all_checks
from losslint.parsing import load_run as load_for_losslint
from torch import Tensor, nn
from torch_audit import autopatch
from trainspotter.detectors import run_all
from trainspotter.readers import load_run as load_for_trainspotter

from tools.studies.rivals.heard import LEVELS, Heard, SaidAlarm, append, first_of_each, runs_heard
from tools.studies.rivals.logs import hear_log
from tools.studies.rivals.overhead import measure
from tools.studies.rivals.plan import Run, all_runs, run_loop
from tools.studies.rivals.watcher import LoopWatcher


def losslint(log: Path) -> list[SaidAlarm]:
    """What `losslint check` finds."""
    found = run_all_checks(load_for_losslint(log))
    return [SaidAlarm(one.check, one.severity, None, one.message) for one in found if one.severity in LEVELS]


def trainspotter(log: Path) -> list[SaidAlarm]:
    """What `trainspotter analyze` finds."""
    found = [one for one in run_all(load_for_trainspotter(log)) if one.severity in LEVELS]
    return [SaidAlarm(f"{one.detector}: {one.title}", one.severity, None, one.message) for one in found]


class TorchAudit(LoopWatcher):
    """`autopatch`, its way of least changes; it looks at every step, where its default is each thousandth."""

    def __init__(self, every_n_steps: int = 1) -> None:
        self.alarms: list[SaidAlarm] = []
        self._every, self._auditor = every_n_steps, None

    _auditor: Any

    def start(
        self, model: nn.Module, optimizer: Any, *, lr: Callable[[int], float], clip: float, ema: Any = None,  # noqa: ANN401
        decay: float | None = None,
    ) -> None:  # fmt: skip
        """Patch model and optimiser, after its static and initial checks."""
        self._auditor = autopatch(model, optimizer=optimizer, every_n_steps=self._every, run_static=True, run_init=True)

    def step(self, loss: Tensor, row: Mapping[str, float], *, skipped: bool = False) -> None:
        """What is new."""
        self._take()

    def close(self) -> None:
        """The last of it."""
        self._take()
        self._auditor.finish()
        self._auditor.unpatch()

    def _take(self) -> None:
        for one in self._auditor.pop_new_findings():
            level = {"WARN": "warning", "ERROR": "error", "FATAL": "error"}.get(one.severity.value)
            if level is not None:
                kind = f"{one.rule_id} {one.module_path or ''} {one.entity or ''}".strip()
                self.alarms.append(SaidAlarm(kind, level, one.step or 0, one.message))


def hear_torch_audit(run: Run) -> Heard:
    """A run with torch-audit in it."""
    audit, note = TorchAudit(), ""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            run_loop(run, audit)
        except Exception as error:  # whatever a patched loop ends with is said in the table
            note = f"the patched loop ended with {type(error).__name__}: {error}"[:200]
    return Heard("torch-audit", run.name, first_of_each(audit.alarms), 0.0, note)


READERS: dict[str, Callable[[Path], Sequence[SaidAlarm]]] = {"losslint": losslint, "trainspotter": trainspotter}


def hear_all(out: Path) -> None:
    """Every run with each of the three."""
    torch.set_num_threads(1)
    file = out / "theirs.jsonl"
    done = runs_heard(file)
    for run in (one for one in all_runs() if one.name not in done):
        rows = run_loop(run)
        heard: list[Heard] = []
        for tool, read in READERS.items():
            heard += hear_log(tool, run.name, rows, read)
        for one in (*heard, hear_torch_audit(run)):
            append(file, one)


def measure_overhead(out: Path) -> None:
    """At each step, as here, and at each thousandth, which is its default."""
    seldom = partial(TorchAudit, every_n_steps=1_000)
    measure({"torch-audit": TorchAudit, "torch-audit, each thousandth step": seldom}, out / "overhead-theirs.json")
