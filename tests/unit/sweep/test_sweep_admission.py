"""The gate before a sweep: on paper for every arm, as a whole where the file asks for it."""

from __future__ import annotations

import pytest

from neuromf.errors import InputError
from neuromf.sweep import admission
from neuromf.sweep.admission import admit
from neuromf.sweep.arm_record import Fate
from neuromf.sweep.journal import SweepJournal
from tests.support.fake_sweep import FakeJobs, GatingJobs, made_arms, make_session, make_sweep

GATED = make_sweep(gate="full")
ON_PAPER = {"training.divergence_threshold": [None]}
"""An arm that the static gate refuses: it has no guard."""


def loss(folder, seed, steps):
    return float(folder[:2]) + seed


def admitted(out, jobs, sweep=GATED):
    """Verdicts on the arms of a sweep, and what the folder keeps of them."""
    (out / "gates").mkdir(parents=True, exist_ok=True)
    arms = made_arms(sweep)
    return admit(arms, sweep.gate, out, jobs, SweepJournal(out, {}, arms, 1))


def test_every_arm_has_a_whole_gate_of_its_own(tmp_path):
    """With its settings and its first seed, its verdict and what it printed in a folder of the sweep."""
    jobs = GatingJobs(loss)
    verdicts = admitted(tmp_path, jobs)
    assert {number: verdict.passed for number, verdict in verdicts.items()} == dict.fromkeys(range(4), True)
    for arm, command in zip(made_arms(GATED), jobs.started, strict=True):
        document = str(tmp_path / "gates" / f"{arm.slug}.json")
        sets = [part for override in arm.overrides(0) for part in ("--set", override)]
        assert command.arguments == ["gate", "smoke", *sets, "--json", document]
        assert (command.key, command.log) == (str(arm.number), tmp_path / "gates" / f"{arm.slug}.txt")


@pytest.mark.parametrize("size", [1, 3])
def test_so_many_gates_run_at_once(tmp_path, size):
    """As the sweep may run trainings."""
    jobs = GatingJobs(loss, size=size)
    admitted(tmp_path, jobs)
    assert jobs.most_at_once == size


def test_an_arm_that_the_whole_gate_blocks_is_told_with_its_file(tmp_path):
    """The others are not touched by it."""
    verdicts = admitted(tmp_path, GatingJobs(loss, gates={2: 1}))
    arm = made_arms(GATED)[2]
    assert [verdicts[number].passed for number in range(4)] == [True, True, False, True]
    assert verdicts[2].reason == f"the whole gate says so, see {tmp_path / 'gates' / arm.slug}.txt"


@pytest.mark.parametrize("code", [2, 75, -9, None])
def test_a_gate_that_did_not_judge_ends_the_sweep(tmp_path, code):
    """It is no verdict: the sentence names the arm, the code, and the file to read."""
    arm = made_arms(GATED)[1]
    with pytest.raises(InputError) as told:
        admitted(tmp_path, GatingJobs(loss, gates={1: code}))
    error = told.value
    assert error.problem == f"the gate could not judge '{arm.name}' (code {code})"
    assert (error.remedy, error.file) == ("read what it printed", str(tmp_path / "gates" / f"{arm.slug}.txt"))


def test_a_gate_is_not_asked_twice(tmp_path):
    """What a sweep has learned before it was killed stays, the blocked arm too."""
    first = GatingJobs(loss, gates={2: 1})
    before = admitted(tmp_path, first)
    again = GatingJobs(loss)
    assert admitted(tmp_path, again) == before
    assert (len(first.started), again.started) == (4, [])


def test_what_is_blocked_on_paper_costs_no_gate(tmp_path):
    """Its laws are told at once."""
    sweep = make_sweep(gate="full", one_at_a_time={**ON_PAPER, "meanflow.norm_p": [0.5]})
    jobs = GatingJobs(loss)
    verdicts = admitted(tmp_path, jobs, sweep)
    assert [verdicts[number].passed for number in range(3)] == [True, False, True]
    assert verdicts[1].reason == "GUARD-001"
    assert [command.key for command in jobs.started] == ["0", "2"]


def test_a_sweep_by_the_static_gate_starts_no_gate(tmp_path):
    """Nothing but trainings is run."""
    jobs = GatingJobs(loss)
    admitted(tmp_path, jobs, make_sweep())
    assert jobs.started == []


def test_the_scans_of_a_sweep_are_looked_through_once(tmp_path, monkeypatch):
    """Its arms have them in common, and a folder may hold sixty thousand."""
    asked = []
    monkeypatch.setattr(admission, "judge", lambda candidate, waivers: asked.append(candidate.cohort) or _Passed())
    admitted(tmp_path, FakeJobs(loss), make_sweep())
    assert len(asked) == 4
    assert all(cohort is asked[0] for cohort in asked)


class _Passed:
    status = "PASS"

    def laws(self, *statuses):
        return []


@pytest.mark.law("GUARD-001")
def test_an_arm_that_its_whole_gate_blocks_is_not_trained(tmp_path):
    """Of the whole sweep it is said why."""
    jobs = GatingJobs(loss, gates={2: 1})
    session = make_session(GATED, tmp_path, jobs)
    assert session.run()
    assert [record.fate for record in session.records] == [Fate.FINISHED, Fate.FINISHED, Fate.BLOCKED, Fate.FINISHED]
    assert "the whole gate says so" in session.records[2].note
    assert not (tmp_path / "runs" / session.records[2].arm.slug).exists()


def test_a_blocked_base_ends_the_sweep(tmp_path):
    """All arms would be held to it."""
    session = make_session(GATED, tmp_path, GatingJobs(loss, gates={0: 1}))
    with pytest.raises(InputError, match="the base is blocked"):
        session.run()
