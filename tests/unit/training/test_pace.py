"""The times of steps: recorded by every training, read whatever a kill left of them."""

from __future__ import annotations

import pytest
import torch

from neuromf.errors import InputError
from neuromf.training.loop import train
from neuromf.training.records import pace
from neuromf.training.records.pace import HEADER, LATEST, TAIL, Mark, PaceWriter, read_marks, seconds_per_step
from neuromf.training.records.run_folder import create_run

CPU = torch.device("cpu")


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [1_000.0]
    monkeypatch.setattr(pace.time, "time", lambda: now[0])
    return now


def test_a_training_records_when_it_began_and_ended(tmp_path, tiny_config, real_latents):
    """A session a start: its first and its last step with their times, whatever was between."""
    run = create_run(tmp_path / "run", tiny_config, "")
    train(tiny_config, real_latents, run, device=CPU, max_steps=4)
    train(tiny_config, real_latents, run, device=CPU, resume=True)
    marks = read_marks(run.pace)
    assert [(mark.session, mark.step) for mark in marks if mark.step in (0, 4, 6)] == [(0, 0), (0, 4), (1, 4), (1, 6)]
    assert sorted(marks, key=lambda mark: mark.seconds) == marks
    assert 0 < seconds_per_step(marks) < 60


def test_marks_are_as_far_apart_as_they_need_be(tmp_path, clock):
    """Steps of 2 s are marked every third, steps of 100 s each, and the last one always."""
    with PaceWriter(tmp_path / "pace.csv", 0) as writer:
        for step in range(1, 9):
            clock[0] += 2.0
            writer.done(step)
        clock[0] += 100.0
        writer.done(9)
        clock[0] += 1.0
        writer.done(10)
    marks = read_marks(tmp_path / "pace.csv")
    assert [mark.step for mark in marks] == [0, 3, 6, 9, 10]
    assert marks[-1] == Mark(0, 10, 1_117.0)


def test_a_clock_that_is_set_back_is_marked_at_once(tmp_path, clock):
    """Else nothing would be marked until it had caught up."""
    with PaceWriter(tmp_path / "pace.csv", 0) as writer:
        clock[0] -= 500.0
        writer.done(1)
    assert [mark.seconds for mark in read_marks(tmp_path / "pace.csv")] == [1_000.0, 500.0]


def test_a_torn_line_costs_one_mark(tmp_path, clock):
    """A kill in the middle of a line leaves the marks before it, and the next session its own."""
    path = tmp_path / "pace.csv"
    path.write_text(f"{HEADER}0,0,900.000\n0,5,95")
    assert read_marks(path) == [Mark(0, 0, 900.0)]
    with PaceWriter(path, 3):
        pass
    assert read_marks(path)[-1] == Mark(1, 3, 1_000.0)
    assert path.read_text().splitlines()[-1] == "1,3,1000.000"


def test_of_a_long_run_the_newest_marks_are_read(tmp_path):
    """The end of the file alone, and its pace is that of the last marks."""
    path = tmp_path / "pace.csv"
    lines = [f"0,{step},{1_000 + 9.0 * step:.3f}\n" for step in range(2_000)]
    lines += [f"0,{step},{19_000 + 2.0 * (step - 2_000):.3f}\n" for step in range(2_000, 2_000 + LATEST)]
    path.write_text(HEADER + "".join(lines))
    marks = read_marks(path)
    assert len(marks) < TAIL / 10
    assert seconds_per_step(marks) == pytest.approx(2.0)


@pytest.mark.parametrize("content", [b"step,loss\n1,2\n", b"\xff\xd8\n\n", b"x" * (TAIL + 5)])
def test_a_file_of_another_kind_is_one_sentence(tmp_path, content):
    """The file is named, with what to do."""
    (tmp_path / "pace.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"pace\.csv: holds no times"):
        read_marks(tmp_path / "pace.csv")


@pytest.mark.parametrize("content", ["", HEADER[:5], HEADER])
def test_a_file_that_has_just_begun_tells_nothing_yet(tmp_path, content):
    """A header, or half of one, is not another kind of file."""
    (tmp_path / "pace.csv").write_text(content)
    assert read_marks(tmp_path / "pace.csv") == []


def test_a_run_without_the_file_tells_nothing(tmp_path):
    """Runs of earlier versions have none."""
    assert read_marks(tmp_path / "pace.csv") == []
