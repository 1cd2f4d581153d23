"""One pytest session on a copy of the code, in a process of its own: a new one, or one of a server that forks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neuromf.checkout import python_path
from neuromf.errors import InputError

LONGEST_SECONDS = 600.0
"""A selection that takes longer hangs; most take six seconds, nearly all of them the import of torch."""
PASSED, FAILED = 0, 1
"""Exit codes of pytest; all others say that it could not run the tests."""
_PACKAGES = {"neuromf": "neuromf", "neuromf_spec": "spec/neuromf_spec", "tools": "tools"}
"""Packages that a test imports, and their folders in the copy."""
_DROPPED = ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "HYPOTHESIS_PROFILE", "HYPOTHESIS_DATABASE_FILE")


@dataclass(frozen=True)
class PytestRun:
    """How a pytest selection ended; the code is None when it took too long."""

    code: int | None
    output: str

    @property
    def failed_tests(self) -> tuple[str, ...]:
        """Node ids that pytest's summary lists as failed, in the test or in its fixtures."""
        return tuple(dict.fromkeys(re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", self.output, re.MULTILINE)))

    @property
    def laws(self) -> tuple[str, ...]:
        """Laws that the failing tests name."""
        return tuple(dict.fromkeys(re.findall(r"law ([A-Z]+-\d{3}) fell", self.output)))

    @property
    def last_line(self) -> str:
        """What pytest said last."""
        lines = [line.strip(" =") for line in self.output.splitlines() if line.strip(" =")]
        return lines[-1] if lines else "no output"


RunTests = Callable[..., PytestRun]
"""A function like `run_tests`."""
_PLUGINS = ("-q", "-p", "no:cacheprovider", "-p", "tools.faults.first_example")


def run_tests(tree: Path, tests: Sequence[str], *options: str, seconds: float | None = None) -> PytestRun:
    """Run a selection on the code of `tree`, with one thread and the examples that continuous integration has.

    Args:
        tree: copy of the code.
        tests: pytest selections.
        options: further options of pytest.
        seconds: longest wall time, `LONGEST_SECONDS` unless said.
    """
    longest = LONGEST_SECONDS if seconds is None else seconds
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *_PLUGINS, *options, *tests],
            cwd=tree,
            env=_environment(tree),
            capture_output=True,
            text=True,
            timeout=longest,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return PytestRun(None, f"no end within {longest:g} s")
    return PytestRun(done.returncode, done.stdout + done.stderr)


@contextmanager
def forked_tests(output: Path) -> Iterator[RunTests]:
    """A function like `run_tests` whose processes have imported torch already; one at a time.

    Args:
        output: file for what pytest writes.
    """
    # As a script, so that the server has imported nothing that is in a copy; see `fork_server`.
    command = [sys.executable, str(Path(__file__).with_name("fork_server.py"))]
    environment = _environment(None)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True) as server:

        def run(tree: Path, tests: Sequence[str], *options: str) -> PytestRun:
            request = {
                "tree": str(tree),
                "arguments": [*_PLUGINS, *options, *tests],
                "path": python_path(tree).split(os.pathsep),
                "output": str(output),
                "seconds": LONGEST_SECONDS,
            }
            assert server.stdin is not None
            assert server.stdout is not None
            print(json.dumps(request), file=server.stdin, flush=True)
            code = json.loads(server.stdout.readline())
            if code is None:
                return PytestRun(None, f"no end within {LONGEST_SECONDS:g} s")
            return PytestRun(code, output.read_text(encoding="utf-8", errors="replace"))

        try:
            yield run
        finally:
            server.kill()


def check_imports(tree: Path) -> None:
    """Make sure that a process in `tree` imports its packages and not those of an installation.

    Raises:
        InputError: it imports others.
    """
    program = f"import importlib\nfor name in {list(_PACKAGES)}: print(importlib.import_module(name).__file__)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tree, env=_environment(tree), capture_output=True, text=True, check=False)
    found, expected = (
        done.stdout.split("\n")[:-1],
        [str(tree / folder / "__init__.py") for folder in _PACKAGES.values()],
    )
    if found != expected:
        problem = f"Python imports {next((f for f in found if f not in expected), 'nothing')} instead of the copy"
        raise InputError(problem, remedy="uninstall what shadows it", file=tree)


def _environment(tree: Path | None) -> dict[str, str]:
    """The copy, if one is named, comes before any installation, and no compiled file stays behind.

    A fault may be put in and taken out within a second, which the dates in compiled files cannot tell apart.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    kept.pop("PYTHONPATH", None)
    found = {} if tree is None else {"PYTHONPATH": python_path(tree)}
    return {**kept, **threads, **found, "PYTHONDONTWRITEBYTECODE": "1"}
