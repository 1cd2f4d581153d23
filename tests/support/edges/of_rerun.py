"""Edges of what an evaluation is judged by, and a step that raised an alarm when it is run again."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from neuromf.monitor.guard.alarm import Alarm, Level, Verdict
from neuromf.training.records import previews
from neuromf.training.step.ema import Ema
from neuromf.training.step.rerun import judge_rerun
from tests.support.edges.edge import Edge, either_side, plain


def rerun_edges() -> Iterator[Edge]:
    """All of them."""
    touched = ("average weight", "average bias", "own weight", "own bias", "randomness")
    yield Edge("EMA-003", "evaluation", evaluated, ("",), touched)
    for name in ("raw_total", "grad_norm"):
        bitwise = lambda apart, n=name: repeated(apart, n, deterministic=True)  # noqa: E731
        loose = lambda apart, n=name: repeated(apart, n, deterministic=False)  # noqa: E731
        yield Edge("NUM-002", f"{name}, bit for bit", bitwise, (0.0,), (1e-15, -1e-15, math.nan, math.inf))
        yield either_side("NUM-002", name, loose, 1e-3)
        yield Edge("NUM-002", f"{name}, no number", loose, (0.0,), (math.nan, math.inf))
    counted = lambda apart: repeated(apart, "grad_zeros", deterministic=apart < 0)  # noqa: E731
    yield Edge("NUM-002", "a count that may jump", counted, (0.0, 0.5), (-1e-15, -0.5))


def evaluated(touched: str) -> set[str]:
    """Laws that a preview breaks which changes a number of something; nothing where that is empty."""
    model = nn.Linear(2, 2)
    state: Any = SimpleNamespace(model=model, ema=Ema(model, 0.9), step=3)
    whose, _, name = touched.partition(" ")

    def drawn(*_: object, **__: object) -> Tensor:
        if touched == "randomness":
            torch.rand(1)
        elif touched:
            tensors = state.ema.shadow if whose == "average" else dict(model.named_parameters())
            tensors[name].data.view(-1)[-1] += 1e-6
        return torch.zeros(1)

    with mock.patch.object(previews, "draw_latents", drawn), tempfile.TemporaryDirectory() as folder:
        event = previews.write_preview(Path(folder) / "samples", state, plain(), (1,))
    return set() if event is None else {event.law}


def repeated(apart: float, name: str, *, deterministic: bool) -> set[str]:
    """Laws that a rerun breaks in which one number is `apart` from the first, relative to it."""
    alarm = Alarm("GUARD-001", Level.WARN, "", "", "")
    first = {"raw_total": 2.0, "grad_norm": 3.0, "grad_zeros": 0.5}
    again = {**first, name: first[name] * (1 + apart)}
    verdict = judge_rerun(Verdict((alarm,), (alarm,)), first, again, (True,), deterministic)
    return {alarm.law for alarm in verdict.alarms} - {"GUARD-001"}
