"""What a sweep trains, drops, repeats and gives up, with trainings that are made up."""

import math

import pytest

from neuromf.errors import InputError
from neuromf.sweep.arm_record import Fate
from tests.support.fake_sweep import FakeJobs, make_session, make_sweep

ORDER = {"00": 3.0, "01": 4.0, "02": 1.0, "03": 2.0}
"""Loss of each arm."""


def by_arm(folder, seed, steps):
    """A loss that falls with the steps and differs by seed, in the order of `ORDER` at every step."""
    return ORDER[folder[:2]] + 0.1 * seed + 10.0 / steps


def halving(**changes):
    """Compared after 4 and 8 epochs."""
    return make_sweep(halving={"factor": 2, "first_epochs": 4}, **changes)


def test_every_arm_is_trained_with_every_seed(tmp_path):
    """Eight trainings to the end, and no other."""
    jobs = FakeJobs(by_arm)
    session = make_session(make_sweep(), tmp_path, jobs)
    assert session.run()
    assert sorted(command.key for command in jobs.started) == sorted(
        f"{record.arm.slug}/seed-{seed}/8" for record in session.records for seed in (0, 1)
    )
    assert [record.fate for record in session.records] == [Fate.FINISHED] * 4


def test_the_better_half_and_the_base_go_on(tmp_path):
    """Arms 2 and 3 are the best two of four; the base stays, for they are held to it; arm 1 ends at the rung."""
    session = make_session(halving(), tmp_path, FakeJobs(by_arm))
    assert session.run()
    assert [record.fate for record in session.records] == [Fate.FINISHED, Fate.DROPPED, Fate.FINISHED, Fate.FINISHED]
    assert [record.epochs for record in session.records] == [8, 4, 8, 8]


def test_a_mean_is_over_the_seeds_at_the_last_rung(tmp_path):
    """Of 1.0 and 1.1 and the part that falls with the steps."""
    session = make_session(make_sweep(), tmp_path, FakeJobs(by_arm))
    session.run()
    steps = {command.key: command for command in session._jobs.started}
    arguments = list(steps[f"{session.records[2].arm.slug}/seed-0/8"].arguments)
    total = int(arguments[arguments.index("--max-steps") + 1])
    assert session.records[2].mean == pytest.approx(1.05 + 10.0 / total)


def test_a_second_call_trains_nothing_again(tmp_path):
    """What is recorded is read, and the end is the same."""
    make_session(halving(), tmp_path, FakeJobs(by_arm)).run()
    jobs = FakeJobs(by_arm)
    again = make_session(halving(), tmp_path, jobs)
    assert again.run()
    assert jobs.started == []
    assert [record.fate for record in again.records] == [Fate.FINISHED, Fate.DROPPED, Fate.FINISHED, Fate.FINISHED]


def test_a_training_that_exists_is_resumed(tmp_path):
    """At the second rung each goes on in its folder; at the first none does."""
    jobs = FakeJobs(by_arm)
    make_session(halving(), tmp_path, jobs).run()
    resumed = {command.key.rpartition("/")[2]: "--resume" in command.arguments for command in jobs.started}
    assert resumed == {"4": False, "8": True}


def test_a_run_that_the_guard_halted_is_out(tmp_path):
    """Its loss counts as infinite, the arm as diverged, and it is not trained again."""
    jobs = FakeJobs(lambda folder, seed, steps: 16 if folder[:2] == "02" and seed == 1 else by_arm(folder, seed, steps))
    session = make_session(halving(), tmp_path, jobs)
    assert session.run()
    broken = session.records[2]
    assert (broken.fate, broken.epochs, broken.note) == (Fate.DIVERGED, 4, "with seed 1")
    assert math.isinf(broken.mean)
    assert sum(command.key.startswith("02") for command in jobs.started) == 2


def test_a_halted_run_is_remembered(tmp_path):
    """After a kill the sweep does not train it again."""
    jobs = FakeJobs(lambda folder, seed, steps: 16 if folder[:2] == "02" else by_arm(folder, seed, steps))
    make_session(halving(), tmp_path, jobs).run()
    again = FakeJobs(by_arm)
    session = make_session(halving(), tmp_path, again)
    session.run()
    assert again.started == []
    assert session.records[2].fate is Fate.DIVERGED


def test_a_training_that_dies_is_begun_again(tmp_path):
    """Twice; the third time it is through."""
    died = []

    def loss(folder, seed, steps):
        if folder[:2] == "01" and seed == 0 and len(died) < 2:
            died.append(folder)
            return -9
        return by_arm(folder, seed, steps)

    assert make_session(make_sweep(), tmp_path, FakeJobs(loss)).run()
    assert len(died) == 2


def test_a_training_that_dies_three_times_ends_the_sweep(tmp_path):
    """With its name, its code and its log."""
    with pytest.raises(InputError, match=r"meanflow\.norm_p=0\.25' with seed 0 ended with code -9"):
        make_session(
            make_sweep(), tmp_path, FakeJobs(lambda folder, *rest: -9 if folder[:2] == "01" else by_arm(folder, *rest))
        ).run()


def test_bad_input_is_not_tried_again(tmp_path):
    """A training that is refused once is refused always."""
    jobs = FakeJobs(lambda folder, *rest: 2)
    with pytest.raises(InputError, match="ended with code 2"):
        make_session(make_sweep(), tmp_path, jobs).run()
    assert len({command.key for command in jobs.started}) == len(jobs.started)


def test_no_training_begins_that_the_budget_does_not_hold(tmp_path):
    """Three of eight trainings fit; a larger budget goes on with the others."""
    whole = make_session(make_sweep(), tmp_path / "whole", FakeJobs(by_arm))
    whole.run()
    one = whole.spent.steps // 8
    jobs = FakeJobs(by_arm)
    assert not make_session(make_sweep(budget={"steps": 4 * one - 1}), tmp_path / "cut", jobs).run()
    assert len(jobs.started) == 3
    more = FakeJobs(by_arm)
    assert make_session(make_sweep(budget={"steps": 8 * one}), tmp_path / "cut", more).run()
    assert len(more.started) == 5


def test_another_sweep_in_the_folder_is_refused(tmp_path):
    """Other seeds are another question."""
    make_session(make_sweep(), tmp_path, FakeJobs(by_arm)).run()
    with pytest.raises(InputError) as told:
        make_session(make_sweep(seeds=[0, 2]), tmp_path, FakeJobs(by_arm))
    remedy = "give the file that it was begun with, or another --out"
    assert told.value.sentence == f"{tmp_path}: --out: holds another sweep; {remedy}."


@pytest.mark.law("GUARD-001")
def test_a_blocked_arm_is_not_trained(tmp_path):
    """A law that blocks is named, and the others are trained."""
    sweep = make_sweep(one_at_a_time={"meanflow.norm_p": [0.5], "training.divergence_threshold": [None]})
    jobs = FakeJobs(by_arm)
    session = make_session(sweep, tmp_path, jobs)
    assert session.run()
    blocked = session.records[2]
    assert blocked.fate is Fate.BLOCKED
    assert "GUARD-001" in blocked.note
    assert not any(command.key.startswith("02") for command in jobs.started)


def test_a_blocked_base_ends_the_sweep(tmp_path):
    """Nothing is held to it then."""
    sweep = make_sweep(settings={"training.epochs": 8, "training.divergence_threshold": None})
    with pytest.raises(InputError, match=r"the base is blocked .*GUARD-001"):
        make_session(sweep, tmp_path, FakeJobs(by_arm)).run()
