"""Traces read for comparison: whole, or refused with a sentence."""

import numpy as np
import pytest

from neuromf.comparison.table import read_table, table_from_frame
from neuromf.errors import InputError
from neuromf.trace.columns import COLUMNS
from tests.support.trace_strategies import frame_of, with_cell


@pytest.fixture
def trace(tmp_path):
    """A file of four steps, one optional cell empty and one not a number."""
    frame = with_cell(with_cell(frame_of(4), 1, "rho", None), 2, "raw_fm", "nan")
    path = tmp_path / "trace.csv"
    frame.to_csv(path, index=False, lineterminator="\n")
    return path


def test_an_empty_cell_is_not_a_number_that_is_none(trace):
    """An empty optional cell is empty; `nan` is a number that is not finite."""
    table = read_table(trace)
    assert table.numbers["rho"].empty.tolist() == [False, True, False, False]
    assert not table.numbers["raw_fm"].empty.any()
    assert np.isnan(table.numbers["raw_fm"].values[2])
    assert table.steps.tolist() == [0, 1, 2, 3]


def test_numbers_come_back_as_they_were_written(trace):
    """Every digit that is in the file is in the table."""
    assert read_table(trace).numbers["lr"].values.tolist() == frame_of(4)["lr"].tolist()


def spoiled(text, how):
    before, _, *behind = text.rsplit(",", 4)  # the learning rate is left out, which every row has
    return {
        "cut short": text[:-1],
        "CRLF": text.replace("\n", "\r\n"),
        "byte order mark": "\ufeff" + text,
        "foreign column": text.replace("batch_hash", "batch_id", 1),
        "text for a number": text.replace("\n0,", "\nzero,", 1),
        "empty number": f"{before},,{','.join(behind)}",
        "too many cells": text + "4" + "," * 40 + "\n",
        "binary": "\x00\x01",
        "nothing": "",
    }[how]


@pytest.mark.parametrize(
    "how",
    ["cut short", "CRLF", "byte order mark", "foreign column", "text for a number", "empty number", "too many cells",
     "binary", "nothing"],
)  # fmt: skip
def test_a_spoiled_file_is_refused_in_one_sentence(trace, how):
    """Each kind of damage ends in a sentence with the file and a remedy, and the file is left alone."""
    trace.write_bytes(spoiled(trace.read_text(), how).encode())
    before = trace.read_bytes()
    with pytest.raises(InputError) as caught:
        read_table(trace)
    assert str(trace) in str(caught.value)
    assert caught.value.remedy
    assert trace.read_bytes() == before


def test_a_missing_file_is_refused(tmp_path):
    """No file is a sentence too."""
    with pytest.raises(InputError):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_table_without_a_column_has_all_the_others_with_their_types(column):
    """Whichever is missing; a step is a whole number, beyond what a float can count too."""
    frame = frame_of(2).assign(step=[2**53 + 1, 2**53 + 2]).drop(columns=column.name)
    table = table_from_frame(frame)
    kinds = {name: found.values.dtype.kind for name, found in table.numbers.items()}
    wanted = {c.name: {"int": "i", "text": "O", "float": "f"}[c.kind] for c in COLUMNS if c is not column}
    assert dict.fromkeys(table.texts, "O") | kinds == wanted
    if column.name != "step":
        assert table.numbers["step"].values.tolist() == [2**53 + 1, 2**53 + 2]
