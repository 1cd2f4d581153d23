"""Whose fault a difference is: a golden's commit, checked out and run again beside today's code."""

from pathlib import Path

import pytest

from neuromf.errors import InputError
from neuromf.golden.store import golden_table, provenance
from neuromf.golden.verdict import CaseOutcome
from tests.support.git_repository import git
from tests.support.short_case import short_case
from tools.faults.run import copy_writable
from tools.golden import attribute as attribution

ROOT = Path(__file__).parents[2]
CASE, STEPS = "failed_settings", 3


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """This code as a repository of one commit, so that the test needs no history of its own checkout."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("neuromf", "spec", "tools", "golden"):
        copy_writable(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "blessed")
    return folder


@pytest.fixture
def blessed_here(clone, tmp_path, monkeypatch):
    """The case, as if it had been blessed from the clone's commit."""
    case = short_case(CASE, tmp_path, STEPS)
    known = {**provenance(case), "commit": git(clone, "rev-parse", "HEAD")}
    monkeypatch.setattr(attribution, "ROOT", clone)
    monkeypatch.setattr(attribution, "provenance", lambda _: known)
    monkeypatch.setattr(attribution, "golden_table", lambda _: golden_table(case).head(STEPS))
    return case


def moved(table, column, factor):
    numbers = dict(table.numbers)
    numbers[column] = type(numbers[column])(numbers[column].values * factor, numbers[column].empty)
    return type(table)(table.columns, table.texts, numbers)


def test_todays_golden_numbers_blame_nobody(blessed_here, monkeypatch):
    """Where today's run agrees with the golden, the old commit is not even run."""
    monkeypatch.setattr(attribution, "_run_at", None)
    assert attribution.attribute(blessed_here)[0] is CaseOutcome.PASS


def test_numbers_that_the_old_commit_gives_too_are_the_environments(blessed_here, monkeypatch):
    """The golden differs, and its own commit gives today's numbers: the environment moved."""
    golden = moved(attribution.golden_table(blessed_here), "raw_fm", 1.5)
    monkeypatch.setattr(attribution, "golden_table", lambda _: golden)
    outcome, sentence = attribution.attribute(blessed_here)
    assert outcome is CaseOutcome.ENV_DRIFT
    assert "the environment moved, not the code" in sentence


def test_numbers_that_the_old_commit_does_not_give_are_the_codes(blessed_here, monkeypatch):
    """Today's code trains at another rate than the golden's commit: that is told, with step and column."""
    run_steps = attribution.run_steps

    def faster(config, steps):
        training = config.training.model_copy(update={"learning_rate": 1.01 * config.training.learning_rate})
        return run_steps(config.model_copy(update={"training": training}), steps)

    monkeypatch.setattr(attribution, "run_steps", faster)
    outcome, sentence = attribution.attribute(blessed_here)
    assert outcome is CaseOutcome.REGRESSED
    assert "first at step 0, column lr" in sentence


def test_a_commit_that_is_not_here_is_a_sentence(blessed_here, monkeypatch):
    """A shallow clone lacks the golden's commit; the remedy says so."""
    golden = moved(attribution.golden_table(blessed_here), "raw_fm", 1.5)
    monkeypatch.setattr(attribution, "golden_table", lambda _: golden)
    monkeypatch.setattr(attribution, "provenance", lambda _: {"commit": "0" * 40})
    with pytest.raises(InputError, match="failed"):
        attribution.attribute(blessed_here)
    assert not list((attribution.ROOT / ".git" / "worktrees").glob("tree*"))
