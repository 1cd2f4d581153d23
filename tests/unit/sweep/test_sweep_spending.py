"""What a sweep says that its trainings have cost, also those that were killed with it."""

import csv

import pytest

from neuromf.errors import InputError
from neuromf.sweep.made import made_since
from neuromf.sweep.specification import Budget
from neuromf.sweep.spending import Spent
from neuromf.sweep.training import SweepTraining
from tests.support.fake_sweep import FakeJobs, make_session, make_sweep, write_session


def loss(folder, seed, steps):
    """Anything that differs by arm."""
    return float(folder[:2]) + seed


def training_of(session, out, epochs=8):
    """The second training of a sweep: the base with its second seed."""
    return SweepTraining.of(out, session.records[0].arm, 1, epochs)


def rows(out):
    """The table of what was spent."""
    with (out / "trainings.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def undisturbed(tmp_path):
    """Steps of a sweep that nobody stopped."""
    session = make_session(make_sweep(), tmp_path / "undisturbed", FakeJobs(loss))
    assert session.run()
    return session.spent.steps


def test_the_steps_of_a_sweep_are_those_of_all_trainings(undisturbed, tmp_path):
    """Of four arms and two seeds, whether all at once or after a rung."""
    halved = make_session(make_sweep(halving={"factor": 2, "first_epochs": 4}), tmp_path / "halved", FakeJobs(loss))
    halved.run()
    trainings = [SweepTraining.of(tmp_path / "halved", one.arm, seed, one.epochs)
                 for one in halved.records for seed in (0, 1)]  # fmt: skip
    assert halved.spent.steps == sum(one.steps for one in trainings)
    assert undisturbed == 8 * trainings[0].steps


def test_a_training_that_ended_with_a_killed_sweep_is_counted(undisturbed, tmp_path):
    """It came to its end, but the sweep was not there to enter it; the training is not made again."""
    out = tmp_path / "out"
    before = make_session(make_sweep(), out, FakeJobs(loss))
    training = training_of(before, out)
    FakeJobs(loss).start(before._queue._command(training))
    jobs = FakeJobs(loss)
    again = make_session(make_sweep(), out, jobs)
    assert again.run()
    assert len(jobs.started) == 7
    assert again.spent.steps == undisturbed
    assert (rows(out)[0]["steps"], rows(out)[0]["code"]) == (str(training.steps), "")


def test_steps_that_are_made_again_count_again(undisturbed, tmp_path):
    """A machine that fell dead after step 5 of a run with a checkpoint of step 3: two steps more."""
    out = tmp_path / "out"
    training = training_of(make_session(make_sweep(), out, FakeJobs(loss)), out)
    write_session(training.folder, 0, 4, rows=5)
    (training.folder / "checkpoints" / "step_00000003").mkdir(parents=True)
    again = make_session(make_sweep(), out, FakeJobs(loss))
    assert again.run()
    assert again.spent.steps == undisturbed + 2


def test_nothing_is_counted_twice(undisturbed, tmp_path):
    """By another call, or where a kill tore the last line of the table."""
    out = tmp_path / "undisturbed"
    assert make_session(make_sweep(), out, FakeJobs(loss)).run()
    table = out / "trainings.csv"
    whole = table.read_bytes()
    table.write_bytes(whole[:-8])
    again = make_session(make_sweep(), out, FakeJobs(loss))
    assert again.run()
    assert (again.spent.steps, len(rows(out))) == (undisturbed, 9)
    assert make_session(make_sweep(), out, FakeJobs(loss)).spent.steps == undisturbed


def test_a_table_that_is_deleted_is_made_anew(undisturbed, tmp_path):
    """From the records of the trainings; one that is damaged is told."""
    table = tmp_path / "undisturbed" / "trainings.csv"
    table.write_text(table.read_text().replace(",0,8,", ",0,8,x"))
    with pytest.raises(InputError, match="is damaged") as caught:
        make_session(make_sweep(), tmp_path / "undisturbed", FakeJobs(loss))
    assert "made anew from the records" in caught.value.remedy
    table.unlink()
    again = make_session(make_sweep(), tmp_path / "undisturbed", FakeJobs(loss))
    assert again.run()
    assert again.spent.steps == undisturbed


def test_a_kill_does_not_take_budget_for_steps_that_are_kept(undisturbed, tmp_path):
    """A training goes on from its checkpoint before its first validation, and the exact budget holds that."""
    out = tmp_path / "out"
    sweep = make_sweep(budget={"steps": undisturbed})
    training = training_of(make_session(sweep, out, FakeJobs(loss)), out)
    write_session(training.folder, 0, 3, rows=3)
    (training.folder / "checkpoints" / "step_00000003").mkdir(parents=True)
    again = make_session(sweep, out, FakeJobs(loss))
    assert again.run()
    assert again.spent.steps == undisturbed


def test_sessions_are_counted_from_a_number_on(tmp_path):
    """Each by its own first and last mark; only the newest has the rows of the trace beyond its last mark."""
    assert made_since(tmp_path / "none", 0).steps == 0
    write_session(tmp_path, 0, 6, rows=7)
    assert made_since(tmp_path, 0).steps == 7
    write_session(tmp_path, 4, 9, rows=9)
    assert (made_since(tmp_path, 0).steps, made_since(tmp_path, 1).steps) == (6 + 5, 5)
    assert [made_since(tmp_path, number).sessions for number in (0, 1, 2)] == [2, 2, 2]


def test_a_run_without_a_trace_has_made_what_its_marks_say(tmp_path):
    """Also one that was killed before its first step."""
    write_session(tmp_path, 0, 0)
    (tmp_path / "trace.csv").unlink()
    assert made_since(tmp_path, 0).steps == 0
    write_session(tmp_path, 0, 4)
    (tmp_path / "trace.csv").unlink()
    assert made_since(tmp_path, 0).steps == 4


@pytest.mark.parametrize(
    ("budget", "steps", "fits"),
    [({}, 10**9, True), ({"steps": 30}, 20, True), ({"steps": 30}, 21, False), ({"hours": 2.5}, 1, False),
     ({"hours": 2.6}, 1, True), ({"hours": 2.6, "steps": 30}, 21, False), ({"hours": 2.5, "steps": 30}, 20, False)],
)  # fmt: skip
def test_a_training_fits_into_a_budget_to_its_last_step(budget, steps, fits):
    """Steps may be used up; where the hours are, nothing begins any more."""
    assert Spent(10, 2.5).leaves(Budget(**budget), steps) is fits
