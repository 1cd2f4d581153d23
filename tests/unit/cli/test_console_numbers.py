"""Every number that a command prints of a training is the one that its words name."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import torch

import neuromf.cli.training
from neuromf.cli.explanation import SHOWN, explain_halt
from neuromf.cli.training import note, report, run_training
from neuromf.training.loop import Ending, Outcome
from neuromf.training.records.run_folder import RunFolder, open_run
from tests.support.reported_run import HALT, WARNING, write_run
from tests.support.tiny_run import make_tiny_config
from tests.support.told_numbers import FLOATS, places_of, telling_rows

ROWS = telling_rows(24)
PLACES = places_of(ROWS, FLOATS, 10)


@pytest.mark.parametrize("reported", ["objective", "weighted"])
def test_the_line_of_a_training_shows_the_raw_loss_beside_the_reported_one(reported):
    """Total, FM, MF and what the run is judged by, each behind its word."""
    line = note(SimpleNamespace(row=ROWS[-1]), make_tiny_config(f"training.reported_loss={reported}"))
    assert re.sub(r"[\d.,]+", "N", line) == f"raw N (FM NN MF N) {reported} N".replace("NN", "N")
    assert PLACES.told(line) == [(name, "last") for name in ("raw_total", "raw_fm", "raw_mf", reported)]


@pytest.mark.parametrize(("limit", "total"), [(None, 6), (4, 4), (99, 6)])
def test_the_bar_of_a_training_counts_the_steps_that_are_done(monkeypatch, tmp_path, limit, total):
    """After step k it stands at k + 1 of the run's steps, or of --max-steps where that is fewer."""
    config, shown = make_tiny_config(), []

    def train(*_, on_step, **__):
        for row in ROWS[:3]:
            on_step(SimpleNamespace(row=row))
        return Outcome(Ending.FINISHED, 3)

    class Bar:
        def __enter__(self):
            return lambda *moved: shown.append(moved)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(neuromf.cli.training, "progress_bar", lambda *_, **__: Bar())
    monkeypatch.setattr(neuromf.cli.training, "StoredLatents", lambda *_: None)
    monkeypatch.setattr(neuromf.cli.training.loop, "train", train)
    start, group = SimpleNamespace(events=lambda known: []), SimpleNamespace(rank=0)
    run_training(
        config, None, tmp_path, group, start, device=torch.device("cpu"), resume=False, max_steps=limit, workers=0,
        interrupted=lambda: "",
    )  # fmt: skip
    assert shown == [(done, total, note(SimpleNamespace(row=ROWS[done - 1]), config)) for done in (1, 2, 3)]


def test_the_end_of_a_training_is_told_with_its_steps(capsys, tmp_path):
    """One is one step."""
    for steps, words in ((1, "after 1 optimiser step;"), (1234, "after 1234 optimiser steps;")):
        report(Outcome(Ending.PAUSED, steps), tmp_path, make_tiny_config())
        assert words in capsys.readouterr().out


@pytest.fixture(scope="module")
def explanation(tmp_path_factory):
    root = write_run(tmp_path_factory.mktemp("halted") / "run", rows=ROWS, events=[WARNING, HALT])
    return explain_halt(RunFolder(root), open_run(root)[1]).splitlines()


def test_the_explanation_of_a_halt_shows_both_ends_of_each_loss(explanation):
    """First and last cell behind the column's name."""
    (line,) = (line for line in explanation if line.startswith("step "))
    steps, _, numbers = line.partition(": ")
    assert steps == "step 0 -> 23"
    parts = dict(part.split(" ", 1) for part in numbers.split(", ") if " -> " in part)
    assert tuple(parts) == SHOWN
    for name, ends in parts.items():
        assert [PLACES.of(end) for end in ends.split(" -> ")] == [(name, "first"), (name, "last")]


def test_the_explanation_of_a_halt_tells_steps_and_laws_of_its_events(explanation):
    """The halt first, then the warnings before it."""
    assert explanation[0] == f"STOPPED at step {HALT.step} by law {HALT.law}"
    assert explanation[1] == f"  {HALT.message}"
    assert f"warned at step {WARNING.step}, {WARNING.law}: {WARNING.message}" in explanation
