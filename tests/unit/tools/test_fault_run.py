"""How a fault is put into a copy, judged, and taken out again; on a tree of a few lines."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from neuromf.errors import InputError
from tools.commands.faults import faults_app
from tools.faults import catalogue, run
from tools.faults.catalogue import Fault, faults
from tools.faults.pytest_run import PytestRun, check_imports
from tools.faults.run import checkout, copy_tree, copy_writable, inject, kill, prove_clean, run_faults

TESTS = """
import pytest

from neuromf.thing import VALUE


def test_value():
    assert VALUE == 1, "law WGT-001 fell"


def test_other():
    assert True
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A checkout with one constant and two tests; sessions in it load no plugins, which takes half the time off."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    folder = tmp_path / "root"
    for name in ("golden", "tests"):
        (folder / name).mkdir(parents=True)
    for name in ("neuromf", "spec/neuromf_spec", "tools"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
    for name in ("checkout.py", "errors.py", "readable.py"):
        (folder / "neuromf" / name).write_bytes((checkout() / "neuromf" / name).read_bytes())
    (folder / "neuromf" / "thing.py").write_text("VALUE = 1\n")
    (folder / "tests" / "test_thing.py").write_text(TESTS)
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    copy_writable(checkout() / "tools" / "faults", folder / "tools" / "faults")
    return folder


def fault(replace="2", *, name="a", test="test_value", law="", find="1"):
    return Fault(
        id=name,
        title="",
        origins=("operator L1",),
        file="neuromf/thing.py",
        find=find,
        replace=replace,
        tests=(f"tests/test_thing.py::{test}",),
        law=law,
    )


@pytest.fixture
def tree(root, tmp_path):
    """A copy of it."""
    return copy_tree(root, tmp_path / "copy")


def test_the_copy_of_a_checkout_that_may_not_be_written_may_be(root, tmp_path):
    """A checkout of another user, or on a disk that is mounted to be read, has modes that a copy must not keep."""
    for path in (root, *root.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    copy = copy_tree(root, tmp_path / "copy")
    assert all(path.stat().st_mode & 0o200 for path in (copy, *copy.rglob("*")))
    with inject(fault(), copy):
        assert (copy / "neuromf" / "thing.py").read_text() == "VALUE = 2\n"
    for path in (root, *root.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)


def test_a_noticed_fault_is_killed_and_taken_out(tree):
    """The failing test and the law that it names are reported, and the file is as it was."""
    result = kill(fault(law="WGT-001"), tree)
    assert (result.killed, result.problem) == (True, "")
    assert result.failed_tests == ("tests/test_thing.py::test_value",)
    assert result.laws == ("WGT-001",)
    assert result.seconds > 0
    assert (tree / "neuromf" / "thing.py").read_text() == "VALUE = 1\n"


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        (fault(test="test_other"), "survived"),
        (fault(replace="1 1"), "error"),
        (fault(test="test_none"), "error"),
        (fault(law="ID-001"), "unnamed: the failing test names WGT-001 and not ID-001"),
    ],
    ids=["survives", "cannot be imported", "no such test", "names another law"],
)
def test_only_a_failing_test_that_names_the_law_counts(tree, case, problem):
    """A passing test, an error of collection and a failure without the fault's law are no kill."""
    result = kill(case, tree)
    assert not result.killed
    assert result.problem.startswith(problem)


@pytest.mark.parametrize("find", ["3", "\n1", " "])
def test_a_text_that_does_not_stand_there_once_is_refused(tree, find):
    """A fault that no longer fits its file stops the run with its id, and the file stays as it is."""
    (tree / "neuromf" / "thing.py").write_text("VALUE = 1 \n")
    with pytest.raises(InputError, match="a: the text to replace stands in it"):
        kill(fault(find=find), tree)
    assert (tree / "neuromf" / "thing.py").read_text() == "VALUE = 1 \n"


def break_off(tree):
    with inject(fault(), tree):
        assert (tree / "neuromf" / "thing.py").read_text() == "VALUE = 2\n"
        raise KeyboardInterrupt


def test_the_file_comes_back_when_the_run_breaks_off(tree):
    """An exception inside leaves the copy as it was."""
    with pytest.raises(KeyboardInterrupt):
        break_off(tree)
    assert (tree / "neuromf" / "thing.py").read_text() == "VALUE = 1\n"


def test_the_copy_is_what_is_imported(tree, root):
    """A process in the copy imports the copy's packages, not those that are installed; anything else is refused."""
    check_imports(tree)
    (tree / "spec" / "neuromf_spec" / "__init__.py").unlink()
    with pytest.raises(InputError, match="instead of the copy"):
        check_imports(tree)


def test_the_copy_has_no_caches(root, tmp_path):
    """Compiled files and hidden folders stay behind, and so does what the tests do not need."""
    for name in ("neuromf/__pycache__", "tests/.hypothesis", "runs"):
        (root / name).mkdir()
    copied = {str(path.relative_to(tmp_path / "c")) for path in copy_tree(root, tmp_path / "c").rglob("*")}
    assert {"neuromf/thing.py", "pyproject.toml"} <= copied
    assert not copied & {"neuromf/__pycache__", "tests/.hypothesis", "runs"}


def test_each_fault_is_reported_and_the_checkout_left_alone(root):
    """Two faults on two copies give two results; the checkout itself is never written to."""
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    results = {r.fault.id: r.killed for r in run_faults([fault(), fault(name="b", test="test_other")], root, jobs=2)}
    assert results == {"a": True, "b": False}
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_a_clean_tree_that_fails_proves_nothing(root, tree):
    """When the tests fail without a fault no fault is tried, and the failing test is named."""
    (root / "neuromf" / "thing.py").write_text("VALUE = 3\n")
    assert prove_clean([fault()], tree) == ""
    with pytest.raises(InputError, match=r"without any fault it fails tests/test_thing\.py::test_value"):
        list(run_faults([fault()], root))


def test_failed_tests_are_read_from_the_summary():
    """Node ids with blanks and dashes are read up to the message, each once."""
    output = "FAILED t.py::a[x with y] - assert 1 == 2\nFAILED t.py::b\nERROR t.py::b\n1 failed\n\n"
    assert PytestRun(1, output).failed_tests == ("t.py::a[x with y]", "t.py::b")
    assert PytestRun(1, output).last_line == "1 failed"


def test_an_installation_without_tests_is_refused(monkeypatch, tmp_path):
    """Outside a source checkout there is nothing to run."""
    assert (checkout() / "tests").is_dir()
    monkeypatch.setattr(run, "__file__", str(tmp_path / "site-packages" / "tools" / "faults" / "run.py"))
    with pytest.raises(InputError, match="source checkout"):
        checkout()


def test_the_command_lists_every_fault():
    """As a table and as JSON."""
    table = CliRunner().invoke(faults_app, ["list"]).stdout
    document = json.loads(CliRunner().invoke(faults_app, ["list", "--json"]).stdout)
    assert [row["id"] for row in document["faults"]] == [entry.id for entry in faults()]
    assert f"{len(faults())} faults" in table


@pytest.mark.parametrize(("test", "code", "word"), [("test_value", 0, "killed a"), ("test_other", 1, "ALIVE  a")])
def test_the_command_exits_with_1_when_a_fault_survives(root, monkeypatch, test, code, word):
    """One line a fault and a total, or the same as JSON."""
    monkeypatch.setattr(run, "checkout", lambda: root)
    monkeypatch.setattr(catalogue, "faults", lambda: (fault(test=test),))
    shown = CliRunner().invoke(faults_app, ["run"])
    assert (shown.exit_code, f"{1 - code} of 1 faults noticed" in shown.stdout) == (code, True)
    assert shown.stdout.splitlines()[1].startswith(word)
    lines = [json.loads(line) for line in CliRunner().invoke(faults_app, ["run", "a", "--json"]).stdout.splitlines()]
    assert (lines[0]["fault"], lines[0]["killed"], lines[1]["killed"]) == ("a", code == 0, 1 - code)
