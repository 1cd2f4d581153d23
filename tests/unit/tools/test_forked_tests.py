"""A pytest session that is forked ends as a new one does, whatever the tests do."""

import subprocess
import time

import pytest

from tools.faults import pytest_run
from tools.faults.pytest_run import forked_tests, run_tests

SPEC = "spec/neuromf_spec/__init__.py"
TESTS = """
import os, sys, time
import pytest
import neuromf_spec
from neuromf_spec import VALUE

def test_passes():
    assert VALUE == 1

def test_falls():
    assert VALUE == 2, "law WGT-001 fell"

def test_ends_python():
    os._exit(7)

def test_never_ends():
    other = os.fork()
    if other:
        open("begun", "w").write(str(other))
    time.sleep(600)

def test_says_where_it_is():
    print(os.getcwd(), neuromf_spec.__file__, "torch" in sys.modules)
    raise AssertionError
"""


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    """One server for all, whose sessions load no plugins."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        with forked_tests(tmp_path_factory.mktemp("forked") / "output.txt") as run:
            yield run


@pytest.fixture
def tree(tmp_path):
    """A copy of a code with one constant."""
    for name in ("neuromf", "spec/neuromf_spec", "tools/faults", "tests"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "tools" / "faults" / "first_example.py").touch()
    (tmp_path / SPEC).write_text("VALUE = 1\n")
    (tmp_path / "tests" / "test_thing.py").write_text(TESTS)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    return tmp_path


@pytest.mark.parametrize("test", ["test_passes", "test_falls", "test_ends_python", "test_none"])
def test_a_forked_session_ends_as_a_new_one_does(tree, forked, test):
    """The same exit code, failed tests and laws, for what passes, falls, ends Python or is not there."""
    selection = (f"tests/test_thing.py::{test}",)
    ended, expected = forked(tree, selection, "-x"), run_tests(tree, selection, "-x")
    assert (ended.code, ended.failed_tests, ended.laws) == (expected.code, expected.failed_tests, expected.laws)


def test_each_session_imports_its_own_copy(tree, forked):
    """What the first has imported is not what the second imports; both have torch already."""
    (tree / SPEC).write_text("VALUE = 2\n")
    assert forked(tree, ("tests/test_thing.py::test_falls",)).code == pytest_run.PASSED
    (tree / SPEC).write_text("VALUE = 1\n")
    assert forked(tree, ("tests/test_thing.py::test_falls",)).code == pytest_run.FAILED
    said = forked(tree, ("tests/test_thing.py::test_says_where_it_is",)).output
    assert f"{tree} {tree / SPEC} True" in said


def state_of(number):
    """First letter of the state of the process whose number a file holds, empty where there is none."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", number.read_text()], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()[:1]


def test_what_never_ends_is_ended_with_all_that_it_started(tree, forked, monkeypatch):
    """Its process and the one that it forked are gone, and the server answers the next."""
    with monkeypatch.context() as patch:
        patch.setattr(pytest_run, "LONGEST_SECONDS", 6.0)
        ended = forked(tree, ("tests/test_thing.py::test_never_ends",))
    assert ended.code is None
    deadline = time.monotonic() + 10  # a busy system takes a moment to end what was killed
    listed = state_of(tree / "begun")
    while listed not in ("", "Z") and time.monotonic() < deadline:
        time.sleep(0.05)
        listed = state_of(tree / "begun")
    assert listed in ("", "Z"), "gone, or waiting for its parent to ask how it ended"
    assert forked(tree, ("tests/test_thing.py::test_passes",)).code == pytest_run.PASSED
