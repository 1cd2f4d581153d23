"""Every number that a command prints of a training is the one that its words name."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import torch

import neuromf.cli.training
import neuromf.report.run_page
from neuromf.cli.explanation import SHOWN, explain_halt, suspect_lines
from neuromf.cli.training import note, report, run_training
from neuromf.diagnosis.diagnosis import Suspect
from neuromf.report.headline import headline
from neuromf.report.run_facts import read_runs
from neuromf.training.loop import Ending, Outcome
from neuromf.training.records.run_folder import RunFolder, open_run
from tests.support.command_line import run_command
from tests.support.reported_run import HALT, WARNING, write_run
from tests.support.tiny_run import make_tiny_config
from tests.support.told_numbers import FLOATS, places_of, telling_rows

pytestmark = pytest.mark.law("OBS-002")

ROWS = telling_rows(24)
PLACES = places_of(ROWS, FLOATS, 10)


@pytest.mark.parametrize("reported", ["objective", "weighted"])
def test_the_line_of_a_training_shows_the_raw_loss_beside_the_reported_one(reported):
    """Total, FM, MF and what the run is judged by, each behind its word."""
    line = note(SimpleNamespace(row=ROWS[-1]), make_tiny_config(f"training.reported_loss={reported}"))
    assert re.sub(r"[\d.,]+", "N", line) == f"raw N (FM NN MF N) {reported} N".replace("NN", "N")
    assert PLACES.told(line) == [(name, "last") for name in ("raw_total", "raw_fm", "raw_mf", reported)]


def test_micro_batches_that_train_nothing_are_counted(monkeypatch, tmp_path, capsys):
    """Of twelve, five at a time, the last two."""
    monkeypatch.setattr(neuromf.cli.training, "StoredLatents", lambda *_: None)
    monkeypatch.setattr(neuromf.cli.training.loop, "train", lambda *_, **__: Outcome(Ending.FINISHED, 2))
    start, group = SimpleNamespace(events=lambda known: []), SimpleNamespace(rank=0)
    run_training(
        make_tiny_config("training.gradient_accumulation_steps=5"), None, tmp_path, group, start,
        device=torch.device("cpu"), resume=False, max_steps=None, workers=0, interrupted=lambda: "",
    )  # fmt: skip
    assert capsys.readouterr().out.startswith("the last 2 micro-batches of the run are too few for an update")


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


def test_a_suspect_is_told_with_its_own_score_and_evidence():
    """Three of four, each with its law, what speaks for it, against it and neither, and what to try."""
    suspects = [
        Suspect(
            name=f"cause {n}",
            law=f"LAW-{n}",
            score=0.9 - 0.111 * n,
            supporting=(f"for {n}a", f"for {n}b"),
            against=(f"against {n}",),
            try_next=f"try {n}",
            neither=(f"neither {n}",),
        )
        for n in range(4)
    ]
    expected = [
        line
        for n in range(3)
        for line in (
            f"suspect: cause {n} (LAW-{n}, score {0.9 - 0.111 * n:.2f})",
            *(f"  for: for {n}{letter}" for letter in "ab"),
            f"  against: against {n}",
            f"  neither: neither {n}",
            f"  try: try {n}",
        )
    ]
    assert list(suspect_lines(suspects)) == expected


def test_a_report_is_told_by_the_headline_of_each_run(tmp_path, monkeypatch, capsys):
    """Sentence, alarms and raw loss of the run whose name stands before them."""
    monkeypatch.setattr(neuromf.report.run_page, "run_page", lambda *_, **__: "<!doctype html>")
    first = write_run(tmp_path / "first", rows=ROWS[:21], events=[WARNING, HALT])
    other = write_run(tmp_path / "other", rows=ROWS)
    ended = run_command(monkeypatch, capsys, "report", first, other, "--out", tmp_path / "page.html")
    lines, counts = ended.stdout.splitlines(), ("2 alarms", "0 alarms")
    for line, run, alarms in zip(lines[:2], read_runs([first, other]), counts, strict=True):
        head = headline(run)
        assert line == f"{run.name}: {head.sentence}; {alarms}; raw loss {head.raw}"
