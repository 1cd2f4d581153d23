"""Blessing and its refusals, the changelog, and contracts of cases."""

import hashlib
import json
import os
from dataclasses import replace

import pytest

from neuromf.errors import InputError
from neuromf.golden.case import case_names, read_case
from neuromf.golden.environment import environment, fingerprint
from neuromf.golden.parameters import parameter_text
from tests.support.command_line import run_command
from tests.support.git_repository import git
from tools.__main__ import app
from tools.golden import bless
from tools.golden.changelog import changelog_problems
from tools.golden.claims import check_claims
from tools.golden.faults import FAULTS
from tools.golden.noise import PERTURBATIONS
from tools.golden.recipes import bless_recipe
from tools.golden.store import only_blessing


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A clean git checkout with one file of the trainer, outside CI."""
    (tmp_path / "neuromf").mkdir()
    (tmp_path / "neuromf" / "a.py").write_text("a = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    monkeypatch.setattr(bless, "ROOT", tmp_path)
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


def test_a_clean_tree_with_a_reason_is_blessed_from_its_commit(checkout):
    """The commit that is named is the one checked out."""
    assert bless.refuse_blessing("new schedule, wanted") == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize("reason", ["", "because", "new numbers"])
def test_a_golden_without_a_reason_is_refused(checkout, reason):
    """Three words are the least that say why."""
    with pytest.raises(InputError, match="needs a reason"):
        bless.refuse_blessing(reason)


def test_a_golden_is_not_blessed_in_ci(checkout, monkeypatch):
    """CI compares; people bless."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(InputError, match="not blessed in CI"):
        bless.refuse_blessing("new schedule, wanted")


def test_a_dirty_tree_is_refused_and_the_file_is_named(checkout):
    """A golden names the commit it came from, so that there must be one."""
    (checkout / "neuromf" / "a.py").write_text("a = 2\n")
    with pytest.raises(InputError, match=r"dirty \(M neuromf/a.py\)"):
        bless.refuse_blessing("new schedule, wanted")


def test_outside_a_checkout_nothing_is_blessed(tmp_path, monkeypatch):
    """Without git there is no commit to name."""
    monkeypatch.setattr(bless, "ROOT", tmp_path)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(InputError, match="no git checkout"):
        bless.refuse_blessing("new schedule, wanted")


def test_a_case_is_blessed_by_one_at_a_time(tmp_path):
    """The second, and a measurement beside it, is told who is at it; another case is free."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with only_blessing(tmp_path / "one"):
        with pytest.raises(
            InputError, match=rf"another blessing \(process {os.getpid()} on .*is writing here"
        ) as caught:
            only_blessing(tmp_path / "one").__enter__()
        assert caught.value.file == str(tmp_path / "one")
        with only_blessing(tmp_path / "two"):
            pass
    assert not list((tmp_path / "one").iterdir())
    with only_blessing(tmp_path / "one"):
        pass


@pytest.mark.parametrize("command", [["bless", "--reason", "as good as any"], ["measure"]], ids=lambda words: words[0])
def test_the_second_of_two_commands_on_a_case_is_refused(tmp_path, monkeypatch, capsys, command):
    """Before its minutes of work, with exit code 2."""
    case = replace(read_case(case_names()[0]), folder=tmp_path)
    monkeypatch.setattr("neuromf.golden.case.read_case", lambda name: case)
    monkeypatch.setattr(bless, "refuse_blessing", lambda reason: "0" * 40)
    monkeypatch.setattr(bless, "run_twice", lambda case: pytest.fail("it began"))
    monkeypatch.setattr("tools.golden.measure.measure_case", lambda case, show: pytest.fail("it began"))
    with only_blessing(tmp_path):
        ended = run_command(monkeypatch, capsys, "golden", command[0], case.name, *command[1:], app=app)
    assert ended.returncode == 2
    assert "another blessing" in ended.stderr


def test_the_text_of_a_recipe_is_blessed_by_one_at_a_time(tmp_path):
    """It is a golden too; the second writes nothing."""
    (tmp_path / "smoke").mkdir()
    with only_blessing(tmp_path / "smoke"), pytest.raises(InputError, match="another blessing"):
        bless_recipe("smoke", tmp_path)
    assert not list((tmp_path / "smoke").iterdir())
    bless_recipe("smoke", tmp_path)


def test_two_runs_that_differ_are_refused(monkeypatch):
    """A golden that its own author cannot repeat is none."""
    from neuromf.golden.runner import CaseRun
    from tests.support.trace_strategies import frame_of

    case, seeds = read_case(case_names()[0]), iter((0, 1))
    monkeypatch.setattr(bless, "run_steps", lambda *_: CaseRun(frame_of(case.contract.steps, next(seeds)), ""))
    with pytest.raises(InputError, match="two runs"):
        bless.run_twice(case)


def test_a_run_with_a_number_that_is_not_finite_is_refused(monkeypatch):
    """NaN is never golden."""
    from neuromf.golden.runner import CaseRun
    from tests.support.trace_strategies import frame_of, with_cell

    case = read_case(case_names()[0])
    frame = with_cell(frame_of(case.contract.steps), 1, "lr", float("nan"))
    monkeypatch.setattr(bless, "run_steps", lambda *_: CaseRun(frame, ""))
    with pytest.raises(InputError, match="not finite"):
        bless.run_twice(case)


@pytest.fixture
def goldens(tmp_path):
    """One case with a trace, its provenance and its line."""
    folder = tmp_path / "cases" / "one"
    folder.mkdir(parents=True)
    (folder / "case.toml").write_text("")
    (folder / "trace.cpu-fp32.csv").write_text("step\n0\n")
    digest = hashlib.sha256(b"step\n0\n").hexdigest()
    (folder / "provenance.json").write_text(json.dumps({"trace_sha256": digest}))
    (tmp_path / "CHANGELOG.md").write_text(f"# Changes\n\n- 2026-01-01 `one` {digest[:12]}: a reason\n")
    return tmp_path


def test_a_golden_with_its_line_is_in_order(goldens):
    """Trace, provenance and changelog agree."""
    assert changelog_problems(goldens) == []


def test_a_golden_changed_without_a_line_is_found(goldens):
    """One character more in the trace is a change that nobody wrote down."""
    (goldens / "cases" / "one" / "trace.cpu-fp32.csv").write_text("step\n1\n")
    found = changelog_problems(goldens)
    assert any("changed without a line" in problem for problem in found)
    assert any("not the trace that was blessed" in problem for problem in found)


def test_a_case_without_a_golden_is_found(goldens):
    """A missing golden fails; nothing writes it silently."""
    (goldens / "cases" / "one" / "trace.cpu-fp32.csv").unlink()
    assert changelog_problems(goldens) == ["one: has no golden trace; make one with `python -m tools golden bless`"]


def test_an_older_line_does_not_count(goldens):
    """What was blessed before the last line is history."""
    with (goldens / "CHANGELOG.md").open("a") as stream:
        stream.write("- 2026-01-02 `one` 0123456789ab: another reason\n")
    assert len(changelog_problems(goldens)) == 1


def contract(tmp_path, **changes):
    values = {"about": '"a case"', "overrides": "[]", "steps": "3", "laws": '["LR-002"]', **changes}
    folder = tmp_path / "one"
    folder.mkdir(exist_ok=True)
    (folder / "case.toml").write_text("".join(f"{k} = {v}\n" for k, v in values.items() if v is not None))
    return read_case("one", tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": "61"},
        {"steps": "1"},
        {"steps": '"many"'},
        {"about": '""'},
        {"laws": "[]"},
        {"laws": '["LR-999"]'},
        {"owner": '"me"'},
        {"about": None},
        {"about": "["},
    ],
)
def test_a_contract_of_another_form_is_refused(tmp_path, changes):
    """Too long, no claim, an unknown or missing key: a sentence with the file."""
    with pytest.raises(InputError) as caught:
        contract(tmp_path, **changes)
    assert "case.toml" in str(caught.value)


def test_a_claim_that_no_fault_tests_is_refused(tmp_path):
    """A law that no known fault breaks could fall without a golden noticing."""
    with pytest.raises(InputError, match="no fault breaks CFG-001") as caught:
        check_claims(contract(tmp_path, laws='["CFG-001"]'))
    assert "case.toml" in str(caught.value)


@pytest.mark.parametrize("name", case_names())
def test_each_shipped_case_claims_laws_that_a_fault_breaks(name):
    """What the goldens stand for is tested by the faults that are put into the trainer."""
    check_claims(read_case(name))


def test_an_unknown_case_is_refused_with_the_known_ones(tmp_path):
    """The remedy lists what there is."""
    contract(tmp_path)
    with pytest.raises(InputError, match="use one of one"):
        read_case("two", tmp_path)


def test_faults_and_benign_changes_have_names_of_their_own():
    """Tables are indexed by name."""
    names = [fault.name for fault in FAULTS] + [change.name for change in PERTURBATIONS]
    assert len(names) == len(set(names))
    assert len(FAULTS) >= 12
    assert len(PERTURBATIONS) >= 5


def test_an_environment_is_told_by_its_fingerprint():
    """One version changed is another environment."""
    here = environment()
    assert fingerprint(here) == fingerprint(dict(reversed(here.items())))
    assert fingerprint({**here, "torch": "0.0"}) != fingerprint(here)


def test_parameters_are_told_with_shape_start_and_decay():
    """One line a parameter; zero and one starts are named, random ones by their spread."""
    text = parameter_text(read_case("channel_weights").config)
    lines = text.splitlines()
    assert any(line.endswith("zero decay 0.1") for line in lines)
    assert any(" one decay 0.1" in line for line in lines)
    assert any(" random 0." in line for line in lines)
    assert len(lines) == len({line.split()[0] for line in lines})
