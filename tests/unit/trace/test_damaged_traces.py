"""A damaged trace: how far a run may go on from it, and what is said of one that cannot be read."""

from __future__ import annotations

import os
from unittest import mock

import pytest

from neuromf.errors import InputError
from neuromf.trace import writer
from neuromf.trace.columns import COLUMNS, NAMES
from neuromf.trace.reader import read_rows, read_trace, rows_from, steps_covered
from neuromf.trace.writer import TraceWriter
from tests.support.trace_strategies import frame_of

STEPS = 4
OPTIONAL = next(column.name for column in COLUMNS if column.optional)
RESUME = "restore the file, or start a new run: a resumed trace must be whole"
READ = "give a trace.csv that `neuromf train` wrote"


@pytest.fixture
def path(tmp_path):
    """A trace of four steps."""
    frame_of(STEPS).to_csv(tmp_path / "trace.csv", index=False, lineterminator="\n")
    return tmp_path / "trace.csv"


def with_cells(text, row, **cells):
    """The text of a trace with other cells in one of its rows."""
    header, *rows = text.splitlines()
    rows[row] = ",".join(cells.get(name, cell) for name, cell in zip(NAMES, rows[row].split(","), strict=True))
    return "\n".join([header, *rows, ""])


def without_row(text, step):
    lines = text.splitlines(keepends=True)
    return "".join(lines[: step + 1] + lines[step + 2 :])


def with_end(text, step, change):
    """The text with the row of a step, without its end of line, changed."""
    lines = text.splitlines()
    lines[step + 1] = change(lines[step + 1])
    return "\n".join([*lines, ""])


def begun_earlier(text):
    """The text with each step one less, from -1."""
    header, *rows = text.splitlines()
    return "\n".join([header, *(f"{int(row[0]) - 1}{row[1:]}" for row in rows), ""])


DAMAGES = {
    "none": (lambda text: text, 4),
    "emptied": (lambda text: "", 0),
    "another header": (lambda text: text.replace("raw_total", "raw_totl", 1), 0),
    "a wider header": (lambda text: text.replace("\n", ",more\n", 1), 0),
    "a blank after the header": (lambda text: text.replace("\n", " \n", 1), 0),
    "a step lost": (lambda text: without_row(text, 2), 2),
    "the first step lost": (lambda text: without_row(text, 0), 0),
    "a step twice": (lambda text: with_cells(text, 3, step="2"), 3),
    "another step that begins alike": (lambda text: with_cells(text, 1, step="10"), 1),
    "a cell less": (lambda text: with_end(text, 2, lambda row: row.rpartition(",")[0]), 2),
    "a cell more": (lambda text: with_end(text, 2, lambda row: row + ",1.0"), 2),
    "a torn end": (lambda text: text + "4,ab", 4),
    "an empty required cell": (lambda text: with_cells(text, 2, lr=""), 2),
    "an empty optional cell": (lambda text: with_cells(text, 2, **{OPTIONAL: ""}), 4),
    "an unreadable number": (lambda text: with_cells(text, 2, lr="0.1x"), 2),
    "an unreadable byte": (lambda text: with_cells(text, 2, batch_hash="ab\xff"), 2),
    "a torn end that is no text": (lambda text: text + "4,\xff\xfe", 4),
}


@pytest.mark.law("CKPT-001")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_goes_on_from_the_steps_that_its_trace_covers(path, damage):
    """Whatever follows the last whole row is dropped; a step beyond it is refused and the file left as it was."""
    change, covered = DAMAGES[damage]
    path.write_bytes(change(path.read_text()).encode("latin-1"))
    spoilt = path.read_bytes()
    assert steps_covered(path) == covered
    with pytest.raises(InputError) as caught:
        TraceWriter(path, covered + 1)
    assert (caught.value.file, caught.value.remedy) == (str(path), RESUME)
    assert any(words in caught.value.problem for words in (f"steps 0 to {covered} are not all there", "row is damaged"))
    assert (path.read_bytes(), os.listdir(path.parent)) == (spoilt, [path.name])
    with TraceWriter(path, covered):
        assert path.read_bytes().splitlines()[1:] == spoilt.splitlines()[1 : covered + 1]
    assert path.read_text().splitlines()[0].split(",") == list(NAMES)


@pytest.mark.law("CKPT-001")
@pytest.mark.parametrize("damage", DAMAGES)
def test_rows_that_were_found_whole_are_kept_as_they_are(path, damage):
    """Who has read a trace need not have it read once more: the same file comes out, and nothing is taken apart."""
    change, covered = DAMAGES[damage]
    path.write_bytes(change(path.read_text()).encode("latin-1"))
    spoilt = path.read_bytes()
    with (
        mock.patch.object(writer, "parse_row", side_effect=AssertionError),
        TraceWriter(path, covered, covered=covered),
    ):
        assert path.read_bytes().splitlines()[1:] == spoilt.splitlines()[1 : covered + 1]


def test_a_trace_that_is_not_there_covers_nothing(tmp_path):
    """Nothing can go on from it, and what is said names it."""
    path = tmp_path / "trace.csv"
    assert steps_covered(path) == 0
    with pytest.raises(InputError, match="the trace cannot be read") as caught:
        TraceWriter(path, 1)
    assert (caught.value.file, caught.value.remedy) == (str(path), RESUME)
    assert not os.listdir(tmp_path)


@pytest.mark.law("CKPT-001")
def test_a_checkpoint_waits_until_its_rows_are_on_the_disk(tmp_path, monkeypatch):
    """`sync` asks the system for the very file that the rows were written to."""
    path, synced = tmp_path / "trace.csv", []
    with TraceWriter(path, 0) as writer:
        monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_ino))
        writer.sync()
        assert synced == [path.stat().st_ino]


REFUSED = {
    "emptied": (lambda text: "", "the file is empty", READ),
    "another column": (lambda text: text.replace("lr", "rate", 1), "column 'rate' stands where 'lr' belongs", READ),
    "a column more": (
        lambda text: text.replace("\n", ",a\n"),
        f"{len(NAMES) + 1} columns instead of {len(NAMES)}",
        READ,
    ),
    "a column less": (
        lambda text: "".join(line.rpartition(",")[0] + "\n" for line in text.splitlines()),
        f"{len(NAMES) - 1} columns instead of {len(NAMES)}",
        READ,
    ),
    "cut short": (lambda text: text[:-1], "the last line is cut short", "drop that line or resume the run"),
    "no text": (lambda text: "\xff" + text, "cannot be read as a trace", READ),
    "a step lost": (lambda text: without_row(text, 2), "steps must rise by one", READ),
    "a step twice": (lambda text: with_cells(text, 3, step="2"), "steps must rise by one", READ),
    "steps that fall": (lambda text: with_cells(text, 2, step="0"), "steps must rise by one", READ),
    "steps below 0": (begun_earlier, "greater_than_or_equal_to(0)", READ),
}


@pytest.mark.parametrize("damage", REFUSED)
def test_what_is_wrong_with_a_trace_is_said_with_its_file_and_a_remedy(path, damage):
    """Each kind of damage has words of its own."""
    change, words, remedy = REFUSED[damage]
    path.write_bytes(change(path.read_text()).encode("latin-1"))
    with pytest.raises(InputError) as caught:
        read_trace(path)
    assert words in caught.value.problem
    assert (caught.value.file, caught.value.remedy) == (str(path), remedy)


@pytest.mark.parametrize("first", [-1, 0, 1, 3, 4, 9])
def test_the_rows_from_a_step_on_are_the_last_of_all(path, first):
    """None is left out or said twice; a number below 0 is the start, one beyond the end leaves none."""
    rows = read_rows(path)
    assert [row["step"] for row in rows] == list(range(STEPS))
    assert list(rows_from(path, first)) == rows[max(first, 0) :]
