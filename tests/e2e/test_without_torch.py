"""What looks at a configuration or at a run's record answers without torch and scipy.stats: half a second and more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fake_run import FakeRun

HEAVY = ("torch", "monai", "scipy.stats")
COMMAND = """
import sys
from neuromf.cli.app import main

sys.argv = ["neuromf", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    code = ended.code
print("imported:", sorted(name for name in {heavy!r} if name in sys.modules), "exit code", code, file=sys.stderr)
"""
LIBRARY = """
import sys
import neuromf as nmf

found = {call}
assert found is not None
print("imported:", sorted(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


WORKER = """
import sys
from neuromf.bisect.executor import reply
from neuromf.config.load import load_config
from neuromf.config.resolve import flat_config

config = flat_config(load_config(["failed_225"]))
task = {{"oracle": "law:JVP-003", "config": config, "good": config, "seed": 0, "micro_batches": 1}}
print(reply({{"number": 0, "task": task}})["outcome"]["verdict"])
print("imported:", sorted(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder of ten steps, the raw loss of the last of which is far too large."""
    run = FakeRun(tmp_path_factory.mktemp("runs") / "run")
    run.write(9)
    run.write(10, first=9, raw_total=1e9)
    return run.root


def last_line(program: str, *arguments: str) -> str:
    """What a program of a new Python process prints last on its error output."""
    command = [sys.executable, "-c", program, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("gate failed_225 --static", 1),
        ("laws show JVP-003", 0),
        ("compare {run} {run}", 0),
        ("compare {run} x_exact", 1),
        ("watch {run} --once", 0),
        ("watch {run} --json", 0),
        ("report {run} --out {run}/page.html", 0),
    ],
)
def test_a_command_that_only_reads_imports_no_torch(run, typed, code):
    """The whole command is run to its end, with its usual exit code, and nothing heavy was imported."""
    arguments = typed.format(run=run).split()
    assert last_line(COMMAND.format(heavy=HEAVY), *arguments) == f"imported: [] exit code {code}"


@pytest.mark.parametrize(
    "call",
    [
        "nmf.judge(nmf.load_config(['failed_225']))",
        "nmf.diagnose({run!r})",
        "nmf.diagnose_logs({run!r})",
        "nmf.compare({run!r}, {run!r})",
        "nmf.compare({run!r}, 'x_exact')",
        "nmf.read_trace({trace!r})",
        "nmf.laws()",
    ],
)
def test_a_function_that_only_reads_imports_no_torch(run, call):
    """Judge, diagnose and compare of the library give their answer, and nothing heavy was imported."""
    written = call.format(run=str(run), trace=str(run / "trace.csv"))
    assert last_line(LIBRARY.format(call=written, heavy=HEAVY)) == "imported: []"


def test_a_worker_of_a_bisect_judges_on_paper_without_torch():
    """A law that the configuration alone breaks or keeps costs nothing of a training's imports."""
    assert last_line(WORKER.format(heavy=HEAVY)) == "imported: []"
