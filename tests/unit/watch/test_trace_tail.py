"""A trace that grows while it is read."""

import pytest

from neuromf.errors import InputError
from neuromf.trace.cells import format_cell
from neuromf.trace.columns import COLUMNS, NAMES
from neuromf.watch import trace_tail
from neuromf.watch.trace_tail import SKIPPED, TraceTail
from tests.support.fake_run import row_of


def line_of(step):
    row = row_of(step)
    return ",".join(format_cell(row[c.name], c.kind) for c in COLUMNS) + "\n"


def steps_of(trace):
    return [row["step"] for row in trace.first], [row["step"] for row in trace.recent]


@pytest.mark.parametrize("cut", [1, 40, len(line_of(3)) - 1])
def test_half_a_row_waits_for_its_other_half(run, cut):
    """A line counts once its end is there, wherever it was cut."""
    run.write(3)
    trace = TraceTail(run.folder.trace)
    run.append(line_of(3)[:cut])
    trace.look()
    assert trace.steps == 3
    run.append(line_of(3)[cut:] + line_of(4)[:5])
    trace.look()
    assert (trace.steps, steps_of(trace)[1]) == (4, [0, 1, 2, 3])


def test_half_a_header_waits_for_its_other_half(run):
    """A file that has just been created is no foreign one."""
    trace = TraceTail(run.folder.trace)
    header = ",".join(NAMES) + "\n"
    for part, steps in ((header[:9], 0), (header[9:], 0), (line_of(0), 1)):
        run.append(part)
        trace.look()
        assert trace.steps == steps


def test_a_trace_that_is_not_there_yet_is_read_once_it_is(run):
    """No file is no rows, and its first rows are no restart."""
    trace = TraceTail(run.folder.trace)
    assert (trace.look(), trace.steps) == (False, 0)
    run.write(2)
    assert (trace.look(), trace.steps) == (False, 2)


@pytest.mark.parametrize("looks", [(35,), (5, 35), (5, 12, 35), (9, 10, 11, 35), (33, 34, 35)])
def test_the_first_and_the_newest_ten_rows_are_kept(run, looks):
    """Rows in between are counted and let go."""
    trace = TraceTail(run.folder.trace)
    done = 0
    for steps in looks:
        run.write(steps) if not done else run.append("".join(map(line_of, range(done, steps))))
        done = steps
        trace.look()
    assert trace.steps == 35
    assert steps_of(trace) == (list(range(10)), list(range(25, 35)))


def test_a_resumed_trace_is_read_anew(run):
    """A resume replaces the file by its first rows; what followed them is forgotten, even when it has outgrown them."""
    run.write(12)
    trace = TraceTail(run.folder.trace)
    trace.look()
    run.write(20, first=4, raw_total=9.0)
    assert trace.look()
    assert trace.steps == 20
    assert [row["raw_total"] for row in trace.first[3:6]] == [1.0, 9.0, 9.0]
    assert not trace.look()


def test_a_trace_that_was_cut_in_place_is_read_anew(run):
    """Fewer bytes than were read say that the file begins again."""
    run.write(12)
    trace = TraceTail(run.folder.trace)
    trace.look()
    whole = run.folder.trace.read_bytes().splitlines(keepends=True)
    with run.folder.trace.open("r+b") as stream:
        stream.truncate(len(b"".join(whole[:3])))
    assert trace.look()
    assert trace.steps == 2


@pytest.mark.parametrize(
    "text",
    ["step,loss\n0,1\n", "\x00\x01\n", ",".join(NAMES) + "\n0,1\n", ",".join(NAMES) + "\n" + line_of(7)],
    ids=["other columns", "binary", "few cells", "step 7 first"],
)
def test_a_file_that_is_no_trace_is_one_sentence(run, text):
    """Bad input names the file and a remedy."""
    run.append(text)
    with pytest.raises(InputError, match=r"trace\.csv"):
        TraceTail(run.folder.trace).look()


def test_bytes_that_are_no_text_are_one_sentence(run):
    """A picture under the trace's name is refused."""
    run.folder.trace.write_bytes(b"\xff\xd8\xff\n")
    with pytest.raises(InputError, match="not a trace"):
        TraceTail(run.folder.trace).look()


@pytest.mark.parametrize("step", range(4))
def test_a_broken_row_is_told_with_its_line_a_misplaced_one_with_its_step(run, step):
    """Lines are counted as an editor does, the header's first."""
    run.append(",".join(NAMES) + "\n" + "".join(line_of(before) for before in range(step)))
    whole = run.folder.trace.read_text()
    run.append("x," + line_of(step).partition(",")[2])
    with pytest.raises(InputError, match=rf"line {step + 2}: "):
        TraceTail(run.folder.trace).look()
    run.folder.trace.write_text(whole + line_of(step + 5))
    with pytest.raises(InputError, match=rf"step {step + 5} stands where step {step} belongs"):
        TraceTail(run.folder.trace).look()


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize("looks", [(4_000,), (30, 4_000), (3_000, 3_002, 7_000)])
def test_of_a_long_trace_the_ends_are_read(run, looks, monkeypatch):
    """Thousands of new rows are passed over; how many they are is told by the steps of those that are read."""
    monkeypatch.setattr(trace_tail, "SKIPPED", 100_000)
    trace, done = TraceTail(run.folder.trace), 0
    for steps in looks:
        run.write(steps) if not done else run.append("".join(map(line_of, range(done, steps))))
        done = steps
        trace.look()
        assert trace.steps == steps
    assert steps_of(trace) == (list(range(10)), list(range(looks[-1] - 10, looks[-1])))


def test_of_a_long_trace_the_middle_is_not_read(run):
    """Bytes that are no text stand there and no one notices: a look takes as long whatever the length."""
    run.write(10)
    with run.folder.trace.open("ab") as stream:
        stream.write(b"\xff" * 2 * SKIPPED + b"\n" + b"".join(line_of(step).encode() for step in range(700, 1_000)))
    trace = TraceTail(run.folder.trace)
    trace.look()
    assert trace.steps == 1_000


def test_a_long_file_that_ends_in_something_else_is_refused(run):
    """Where its last lines hold no step, the file is no trace."""
    run.write(10)
    run.append("no row\n" * SKIPPED)
    with pytest.raises(InputError, match=r"'no row.*' stands where a step belongs"):
        TraceTail(run.folder.trace).look()
