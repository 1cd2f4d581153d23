"""A run that cannot go on as it is: one sentence, and not a byte of it is changed."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from collections import deque

import pytest
import torch

from neuromf.errors import InputError
from neuromf.monitor.events import Event, append_event, drop_events, read_events
from neuromf.trace.reader import rows_from, steps_covered
from neuromf.trace.writer import TraceWriter
from neuromf.training.checkpoints.checkpoint import sealed
from neuromf.training.checkpoints.folders import STATE, checkpoint_folders, step_of
from neuromf.training.loop import train
from neuromf.training.records.run_folder import RunFolder, create_run
from tests.support.tiny_run import make_tiny_config
from tests.support.trace_strategies import frame_of

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory, real_latents):
    """A run stopped at its fourth step, trained once."""
    config = make_tiny_config()
    folder = create_run(tmp_path_factory.mktemp("stopped") / "run", config, "")
    train(config, real_latents, folder, device=CPU, max_steps=4)
    return folder


@pytest.fixture
def run(tmp_path, stopped):
    """A copy of it, to be spoilt."""
    shutil.copytree(stopped.root, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def contents(folder):
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("format", 2, "format 2"), ("config_hash", "0" * 64, "another configuration"), ("halted", "it fell", "it fell")],
    ids=["version", "configuration", "halted"],
)
def test_a_foreign_checkpoint_is_refused_and_left_alone(run, tiny_config, real_latents, key, value, words):
    """Every checkpoint of another version or configuration, or of a halted run: refused before anything is written."""
    for folder in checkpoint_folders(run.root):
        document = json.loads((folder / STATE).read_text())
        (folder / STATE).write_text(json.dumps(sealed(document | {key: value})))
    before = contents(run.root)

    with pytest.raises(InputError, match=words):
        train(tiny_config, real_latents, run, device=CPU, resume=True)

    assert contents(run.root) == before


def test_a_number_changed_in_the_description_is_damage(run, tiny_config, real_latents):
    """The description is under a hash of its own: the resume says so and goes on from the checkpoint before."""
    newest = checkpoint_folders(run.root)[0]
    document = json.loads((newest / STATE).read_text())
    (newest / STATE).write_text(json.dumps(document | {"step": 3}))
    told = []

    train(tiny_config, real_latents, run, device=CPU, resume=True, on_event=told.append)

    resumed = [event for event in told if event.law == "CKPT-001"]
    assert [event.level for event in resumed] == ["warn", "info"]
    assert newest.name in resumed[0].message
    assert "step_00000002" in resumed[1].message


def test_an_event_cut_short_is_dropped_and_the_rest_kept(tmp_path):
    """A kill in the middle of a line costs that line, which the resumed run writes again."""
    path = tmp_path / "events.jsonl"
    append_event(path, Event(step=0, level="info", law="A-001", message="whole"))
    with path.open("a") as stream:
        stream.write('{"step": 1, "lev')

    assert [event.law for event in read_events(path)] == ["A-001"]
    drop_events(path, 1)
    assert path.read_text().count("\n") == 1
    assert path.read_text().endswith("\n")


@pytest.mark.parametrize(
    "broken",
    [{"step": "4"}, {"step": 1.5}, {"step": True}, {"level": "loud"}, {"law": 3}, {"fine": [1]}, {"rank": "0"}],
    ids=str,
)
def test_what_json_holds_and_an_event_cannot_is_refused(tmp_path, broken):
    """A step that is text would end a resume in a traceback."""
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps({"step": 0, "level": "info", "law": "", "message": ""} | broken) + "\n")
    with pytest.raises(InputError, match="not an event log"):
        drop_events(path, 1)


def test_a_foreign_file_is_no_event_log(tmp_path):
    """Only an event cut short is left out."""
    (tmp_path / "events.jsonl").write_text("my notes")
    with pytest.raises(InputError, match="not an event log"):
        read_events(tmp_path / "events.jsonl")


@pytest.mark.law("CKPT-001")
def test_a_run_goes_on_from_the_newest_checkpoint_that_the_trace_covers(run, tiny_config, real_latents):
    """Of a trace that another trainer wrote over: the checkpoint before its end is taken, and the later one told."""
    newest, older = checkpoint_folders(run.root)[:2]
    lines = run.trace.read_text().splitlines(keepends=True)
    run.trace.write_text("".join(lines[: 1 + int(older.name.removeprefix("step_"))]))
    told = []
    train(tiny_config, real_latents, run, device=CPU, resume=True, on_event=told.append)
    warned, went_on = (event for event in told if event.law == "CKPT-001")
    assert newest.name in warned.message
    assert "ahead of the trace" in warned.message
    assert older.name in went_on.message


@pytest.mark.law("CKPT-001")
def test_a_checkpoint_that_was_passed_over_is_not_taken_later(run, tiny_config, real_latents):
    """One ahead of the trace may be another trainer's: it is renamed, and a resume with a longer trace leaves it."""
    newest, older = checkpoint_folders(run.root)[:2]
    lines = run.trace.read_text().splitlines(keepends=True)
    run.trace.write_text("".join(lines[: 1 + step_of(older)]))
    train(tiny_config, real_latents, run, device=CPU, resume=True, max_steps=step_of(older))
    assert (newest.parent / f"passed_over_{newest.name}" / STATE).is_file()
    assert newest not in checkpoint_folders(run.root)


@pytest.mark.law("CKPT-001")
@pytest.mark.parametrize("cell", ["", "abc", "1,2"])
def test_a_step_with_a_broken_cell_is_not_covered(run, cell):
    """A line of the right length of which one number is none would end the resume it is chosen for."""
    lines = run.trace.read_text().splitlines()
    cells = lines[3].split(",")
    cells[2] = cell
    run.trace.write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:], ""]))
    assert steps_covered(run.trace) == 2


def test_a_long_trace_is_not_held_in_memory_at_a_resume(tmp_path):
    """Fifty times the rows take no more than twice the memory: they are copied and read one at a time."""

    def peak(rows):
        path = tmp_path / f"{rows}.csv"
        frame_of(rows).to_csv(path, index=False, lineterminator="\n")
        tracemalloc.start()
        with TraceWriter(path, rows):
            deque(rows_from(path, 0), maxlen=10)
            assert steps_covered(path) == rows
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(10_000) <= 2 * peak(200)
