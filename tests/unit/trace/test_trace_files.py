"""Trace files: written whole, read back exactly, refused when broken."""

from __future__ import annotations

from typing import get_type_hints

import pytest

from neuromf.errors import InputError
from neuromf.trace.columns import COLUMNS, NAMES, Row, TraceRow
from neuromf.trace.reader import read_rows, read_trace
from neuromf.trace.writer import TraceWriter


def make_row(step: int, **values: float | None) -> Row:
    row: Row = {c.name: {"int": step, "text": "a1b2", "float": 0.1 + step}[c.kind] for c in COLUMNS}
    return row | values


@pytest.fixture
def trace_file(tmp_path):
    path = tmp_path / "trace.csv"
    with TraceWriter(path, 0) as writer:
        for step in range(4):
            writer.append(make_row(step))
    return path


def test_a_written_trace_reads_back(trace_file):
    """Every row comes back, with the nine digits that were written."""
    table = read_trace(trace_file)

    assert list(table.columns) == list(NAMES)
    assert table["raw_total"].tolist() == [0.1, 1.1, 2.1, 3.1]


def test_a_trace_may_be_named_by_text(trace_file):
    """A path that a user types as text is read as one made by pathlib."""
    assert read_trace(str(trace_file)).equals(read_trace(trace_file))


def test_append_returns_what_the_file_holds(tmp_path):
    """A summary built from returned rows equals one built from the file after a resume."""
    with TraceWriter(tmp_path / "trace.csv", 0) as writer:
        kept = writer.append(make_row(0, raw_total=1 / 3))

    assert read_rows(tmp_path / "trace.csv") == [kept]
    assert kept["raw_total"] == 0.333333333


def test_resuming_drops_the_steps_that_will_be_made_again(trace_file):
    """Opening at step 2 keeps steps 0 and 1."""
    with TraceWriter(trace_file, 2) as writer:
        writer.append(make_row(2, raw_total=9.0))

    assert read_trace(trace_file)["raw_total"].tolist() == [0.1, 1.1, 9.0]


def test_a_half_written_last_line_is_dropped_on_resume(trace_file):
    """A kill in the middle of a line leaves nothing behind."""
    with trace_file.open("a") as stream:
        stream.write("4,abc")

    with TraceWriter(trace_file, 3) as writer:
        writer.append(make_row(3))

    assert read_trace(trace_file)["step"].tolist() == [0, 1, 2, 3]


def test_resuming_a_trace_without_the_steps_before_is_refused(trace_file):
    """A missing, emptied or widened trace is not repaired in silence, and not touched."""
    for text in ("", trace_file.read_text().replace("\n", ",\n"), "step\n"):
        trace_file.write_text(text)

        with pytest.raises(InputError, match=r"not all there|cannot be read|a row is damaged"):
            TraceWriter(trace_file, 2)

        assert trace_file.read_text() == text


def test_an_empty_required_cell_is_an_error(tmp_path):
    """The raw loss cannot be left out of a step (OBS-001)."""
    with TraceWriter(tmp_path / "trace.csv", 0) as writer, pytest.raises(ValueError, match="raw_total"):
        writer.append(make_row(0, raw_total=None))


def test_an_absent_quantity_is_an_empty_cell(tmp_path):
    """raw_fm is empty in a run without FM samples and comes back as None."""
    with TraceWriter(tmp_path / "trace.csv", 0) as writer:
        writer.append(make_row(0, raw_fm=None))

    assert read_rows(tmp_path / "trace.csv")[0]["raw_fm"] is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text.replace("raw_total", "raw_totl"),
        lambda text: text.replace("\n1,", "\n7,"),
        lambda text: "\n".join(line for line in text.split("\n") if not line.startswith("1,")),
        lambda text: text.replace("\n2,", "\n1,"),
        lambda text: text[:-40],
        lambda text: text.replace("0.1", "zero"),
        lambda text: "\x00\xff" + text,
    ],
)
def test_a_broken_trace_is_refused_in_one_sentence(trace_file, damage):
    """Empty, renamed, reordered, missing, cut or foreign content ends in a clear error that names the file."""
    trace_file.write_text(damage(trace_file.read_text()), encoding="latin-1")

    with pytest.raises(InputError) as caught:
        read_trace(trace_file)

    assert str(trace_file) in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_a_missing_trace_is_refused(tmp_path):
    """A path without a file is bad input, not a traceback."""
    with pytest.raises(InputError):
        read_trace(tmp_path / "none.csv")


def test_the_typed_row_has_the_columns_of_the_file():
    """`TraceRow` names every column, with the type of its cells, and no other."""
    kinds = {"int": int, "text": str, "float": float}
    expected = {c.name: kinds[c.kind] | None if c.optional else kinds[c.kind] for c in COLUMNS}

    assert get_type_hints(TraceRow) == expected
