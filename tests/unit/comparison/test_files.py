"""Two trace files compared part by part: the answer is that of the comparator on whole tables."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.comparison import files
from neuromf.comparison.comparator import ComparisonVerdict, Tolerance, compare
from neuromf.comparison.files import compare_files
from neuromf.comparison.row_pairs import row_pairs
from neuromf.comparison.table import read_table
from neuromf.errors import InputError
from tests.support.trace_strategies import NUMBERS, OPTIONAL, frame_of

TOLERANCES = {name: Tolerance(rtol=1e-3) for name in NUMBERS}
BLOCK = 2_000
"""Bytes: some four rows."""
STEPS = 23
CHANGES = ("nan", "inf", "1.25", "0.75", "")


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Each trace is read in many parts."""
    monkeypatch.setattr(files, "row_pairs", lambda actual, golden: row_pairs(actual, golden, BLOCK))


def written(path, frame, rows=None):
    frame.head(len(frame) if rows is None else rows).to_csv(path, index=False, lineterminator="\n")
    return path


@st.composite
def traces(draw):
    """A trace in which some cells are others, some of them not finite, some empty, some steps elsewhere."""
    frame = frame_of(STEPS).astype(object)
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from([*NUMBERS, "batch_hash"]))
        value = draw(st.sampled_from(CHANGES if name in OPTIONAL else CHANGES[:-1]))
        frame.loc[draw(st.integers(0, STEPS - 1)), name] = value
    if draw(st.integers(0, 4)) == 0:
        frame.loc[draw(st.integers(0, STEPS - 1)), "step"] = 77
    return frame, draw(st.sampled_from([0, 1, 3, 4, 5, 22, STEPS, STEPS, STEPS]))


@pytest.mark.law("CMP-001")
@given(one=traces(), other=traces())
def test_a_comparison_in_parts_is_that_of_the_whole(tmp_path_factory, one, other):
    """Verdict, first divergence, counts, first number that is not finite and problem, for traces of any length."""
    folder = tmp_path_factory.mktemp("traces")
    actual, golden = written(folder / "a.csv", *one), written(folder / "b.csv", *other)
    found = compare_files(actual, golden, TOLERANCES)
    expected = compare(read_table(actual), read_table(golden), TOLERANCES)
    assert repr(found) == repr(expected)


@pytest.mark.law("CMP-001")
def test_rows_are_paired_whatever_their_length(tmp_path):
    """Each pair has as many whole rows of one trace as of the other, and together they are the files."""
    long = frame_of(STEPS).assign(batch_hash="x" * 90)
    one, other = written(tmp_path / "a.csv", frame_of(STEPS)), written(tmp_path / "b.csv", long, 20)
    pairs = list(row_pairs(one, other, BLOCK))
    assert len(pairs) > 4
    for path, texts in ((one, [p.actual for p in pairs]), (other, [p.golden for p in pairs])):
        header, _, rows = path.read_bytes().partition(b"\n")
        assert b"".join(text.partition(b"\n")[2] for text in texts) == rows
        assert {text.partition(b"\n")[0] for text in texts} == {header}
    paired = [pair for pair in pairs if pair.count]
    assert [pair.first for pair in paired] == [sum(p.count for p in paired[:i]) for i in range(len(paired))]
    assert all(p.actual.count(b"\n") == p.golden.count(b"\n") == p.count + 1 for p in paired)


@pytest.mark.law("CMP-001")
def test_a_block_that_ends_with_a_row_is_not_the_end(tmp_path):
    """A file of several blocks, each of which is filled by whole rows to its last byte, is read to its end."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + b"12345,7\n" * 8)
    pairs = list(row_pairs(path, path, 16))
    assert sum(pair.count for pair in pairs) == 8


@pytest.mark.parametrize("side", ["a.csv", "b.csv"])
@pytest.mark.parametrize("row", [2, 21])
def test_a_damaged_row_is_refused_with_its_file(tmp_path, side, row):
    """Wherever it stands, in rows that only one trace has too, and it is not taken for an agreement."""
    frames = {"a.csv": frame_of(STEPS), "b.csv": frame_of(STEPS).head(STEPS if side == "b.csv" else 12)}
    for name, frame in frames.items():
        spoilt = frame.astype(object)
        if name == side:
            spoilt.loc[row, "lr"] = "0.1x"
        written(tmp_path / name, spoilt)
    with pytest.raises(InputError, match="not a trace") as caught:
        compare_files(tmp_path / "a.csv", tmp_path / "b.csv", TOLERANCES)
    assert caught.value.file == str(tmp_path / side)


@pytest.mark.law("CMP-001")
def test_equal_files_with_a_number_that_is_not_finite_do_not_pass(tmp_path):
    """The same bytes on both sides are still judged."""
    frame = frame_of(STEPS).astype(object)
    frame.loc[19, "grad_norm"] = "inf"
    path = written(tmp_path / "a.csv", frame)
    found = compare_files(path, path, TOLERANCES)
    assert (found.verdict, found.not_finite and found.not_finite.step) == (ComparisonVerdict.NONFINITE, 19)


@pytest.mark.law("CMP-001")
def test_a_row_that_differs_is_told_by_its_number_in_the_file(tmp_path):
    """Of two traces whose steps part, the row is counted from the first of the file."""
    other = frame_of(STEPS)
    other.loc[17, "step"] = 99
    found = compare_files(written(tmp_path / "a.csv", other), written(tmp_path / "b.csv", frame_of(STEPS)), {})
    assert found == replace(found, verdict=ComparisonVerdict.CONTRACT, problem="row 17 is step 99 instead of 17")


def test_a_line_without_an_end_is_no_trace(tmp_path):
    """A row longer than what is read at a time ends in a sentence, not in a wait."""
    path = written(tmp_path / "a.csv", frame_of(2).assign(batch_hash="x" * 3 * BLOCK))
    with pytest.raises(InputError, match="a line of more than"):
        compare_files(path, path, {})
