"""What the report reads of a run's folder, and what it refuses."""

import json

import pytest

from neuromf.errors import InputError
from neuromf.report.block_charts import block_picture
from neuromf.report.run_facts import MOST_RUNS, read_runs
from neuromf.watch.status import RunState
from tests.support.reported_run import BLOCKS, HALT, SELF_TEST, STEPS, trace_rows, write_run


def test_everything_in_the_folder_is_read(tmp_path):
    """Name, steps, events, epochs, state and versions of a finished run."""
    (run,) = read_runs([write_run(tmp_path / "mine")])

    assert (run.name, len(run.trace.steps), run.events) == ("mine", STEPS, [SELF_TEST])
    assert run.status.state is RunState.FINISHED
    assert run.epochs[-1]["grad_norm_per_block"] == BLOCKS
    assert "torch" in run.environment
    assert "latents" not in run.environment
    assert run.values("raw_fm")[1] == pytest.approx(3.6)


def test_an_empty_cell_is_not_a_number(tmp_path):
    """A step without MF samples has no MF loss."""
    rows = trace_rows(STEPS)
    rows[3]["raw_mf"] = None
    (run,) = read_runs([write_run(tmp_path / "run", rows=rows)])

    assert [int(step) for step in run.values("step")[run.values("raw_mf") != run.values("raw_mf")]] == [3]


def test_a_halt_among_the_events_makes_a_halted_run(tmp_path):
    """The state comes from the event, with its law."""
    (run,) = read_runs([write_run(tmp_path / "run", rows=trace_rows(21), events=[HALT])])

    assert run.status.state is RunState.HALTED
    assert HALT.law in run.status.reason


def test_a_line_that_is_still_being_written_is_left_out(tmp_path):
    """The report of a running training ends with its last whole step."""
    folder = write_run(tmp_path / "run", rows=trace_rows(8))
    trace = folder / "trace.csv"
    trace.write_bytes(trace.read_bytes()[:-5])
    (run,) = read_runs([folder])

    assert len(run.trace.steps) == 7


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("trace.csv", None, "no trace"),
        ("trace.csv", b"", "no whole row"),
        ("trace.csv", b"a,b\n1,2\n", "not a trace"),
        ("trace.csv", b"\xff\xfe\n", "not a trace"),
        ("config.yaml", None, "holds no run"),
        ("events.jsonl", b'{"step": "x"}\n', "not an event log"),
        ("training_summary.json", b"{", "not a training summary"),
        ("run.json", None, "not readable"),
        ("run.json", b"[]", "not readable"),
    ],
)
def test_a_missing_or_broken_file_is_named(tmp_path, name, content, words):
    """What cannot be read is refused in a sentence with the file."""
    folder = write_run(tmp_path / "run")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)

    with pytest.raises(InputError, match=words) as refused:
        read_runs([folder])
    assert str(folder) in str(refused.value)


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [*lines[:5], lines[5].replace(b",", b";", 1), *lines[6:]], "line 6"),
        (lambda lines: [*lines[:5], *lines[6:]], "step 5 stands where step 4 belongs"),
        (lambda lines: [*lines[:5], lines[5] + b",1", *lines[6:]], "line 6"),
    ],
)
def test_a_corrupted_trace_is_refused_with_its_line(tmp_path, change, words):
    """A torn, missing or lengthened row in the middle is no trace."""
    folder = write_run(tmp_path / "run")
    trace = folder / "trace.csv"
    trace.write_bytes(b"\n".join(change(trace.read_bytes().split(b"\n"))))

    with pytest.raises(InputError, match=words):
        read_runs([folder])


def test_a_run_given_twice_is_refused(tmp_path):
    """Two ways to one folder are one run."""
    folder = write_run(tmp_path / "run")

    with pytest.raises(InputError, match="given twice"):
        read_runs([folder, tmp_path / "." / "run"])


def test_more_runs_than_colours_are_refused(tmp_path):
    """A page holds as many runs as its charts can tell apart."""
    with pytest.raises(InputError, match="too many"):
        read_runs([tmp_path / str(index) for index in range(MOST_RUNS + 1)])


def test_runs_of_one_name_are_called_by_their_paths(tmp_path):
    """Two folders called `run` keep the way that leads to them."""
    for parent in ("a", "b"):
        (tmp_path / parent).mkdir()
    runs = read_runs([write_run(tmp_path / "a" / "run"), write_run(tmp_path / "b" / "run")])

    assert [run.name for run in runs] == [str(tmp_path / "a" / "run"), str(tmp_path / "b" / "run")]


@pytest.mark.parametrize("norms", [[1.0], {"out": "much"}, {"out": [1]}])
def test_block_norms_that_are_none_are_refused(tmp_path, norms):
    """The summary holds a number a block, or the report says that it does not."""
    folder = write_run(tmp_path / "run")
    summary = folder / "training_summary.json"
    records = json.loads(summary.read_text())
    records[0]["grad_norm_per_block"] = norms
    summary.write_text(json.dumps(records))
    (run,) = read_runs([folder])

    with pytest.raises(InputError, match="grad_norm_per_block"):
        block_picture(run, alone=True)
