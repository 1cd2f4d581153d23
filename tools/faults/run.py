"""Put a fault into a copy of the code, run the tests that must notice, and take it out again."""

from __future__ import annotations

import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from neuromf.errors import InputError
from tools.faults.catalogue import Fault
from tools.faults.pytest_run import (
    FAILED,
    LONGEST_SECONDS,
    PASSED,
    PytestRun,
    RunTests,
    check_imports,
    forked_tests,
    run_tests,
)

TREE = ("neuromf", "spec", "tools", "golden", "tests", "pyproject.toml")
"""What the tests of a checkout need of it."""
FOR_CI = (".github/actions", ".gitlab", ".pre-commit-hooks.yaml", "constraints.txt")
"""What CI reads, which tests run."""


@dataclass(frozen=True)
class FaultResult:
    """What the tests said of one fault.

    Attributes:
        fault: the fault.
        killed: whether a test failed, and the fault's law was named.
        failed_tests: the first test that failed.
        laws: laws that it named.
        seconds: wall time.
        problem: why the fault does not count as killed, empty when it does.
    """

    fault: Fault
    killed: bool
    failed_tests: tuple[str, ...]
    laws: tuple[str, ...]
    seconds: float
    problem: str = ""


def checkout() -> Path:
    """Root of the source checkout this code runs from.

    Raises:
        InputError: it runs from an installation, which has no tests.
    """
    root = Path(__file__).parents[2]
    if not all((root / name).exists() for name in TREE):
        raise InputError("there are no tests beside this code", remedy="run it in a source checkout", file=root)
    return root


def copy_tree(root: Path, target: Path) -> Path:
    """Copy what the tests need from `root` into the new folder `target`, without caches."""
    target.mkdir(parents=True)
    for name in (*TREE, *(name for name in FOR_CI if (root / name).exists())):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        copy_writable(root / name, target / name)
    return target


def copy_writable(source: Path, target: Path) -> None:
    """Copy a file or a folder, without caches, so that its owner may change and delete the copy.

    A copy keeps the mode of what is copied, which in a read-only checkout lets nobody write.
    """
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    else:
        shutil.copy2(source, target)
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


@contextmanager
def inject(fault: Fault, tree: Path) -> Iterator[None]:
    """Put `fault` into the copy `tree` while the block runs.

    Raises:
        InputError: the text to replace does not stand in its file exactly once.
    """
    path = tree / fault.file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(fault.find) != 1:
        problem = f"the text to replace stands in it {text.count(fault.find)} times"
        raise InputError(problem, remedy="bring the catalogue up to date", file=fault.file, key=fault.id)
    path.write_text(text.replace(fault.find, fault.replace), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


def kill(fault: Fault, tree: Path, run: RunTests = run_tests) -> FaultResult:
    """Put `fault` into `tree`, run its tests by `run`, and take it out again."""
    start = time.perf_counter()
    with inject(fault, tree):
        ended = run(tree, fault.tests, "-x")
    problem = _why_alive(fault, ended)
    return FaultResult(fault, not problem, ended.failed_tests, ended.laws, time.perf_counter() - start, problem)


def _why_alive(fault: Fault, run: PytestRun) -> str:
    if run.code == PASSED:
        return "survived: its tests pass"
    if run.code != FAILED:
        return f"error: {run.last_line}"
    if fault.law and fault.law not in run.laws:
        return f"unnamed: the failing test names {', '.join(run.laws) or 'no law'} and not {fault.law}"
    return ""


def prove_clean(faults: Sequence[Fault], tree: Path, jobs: int = 1) -> str:
    """Run every selection once without a fault, `jobs` tests at a time; returns what failed, empty when all pass."""
    check_imports(tree)
    selections = tuple(dict.fromkeys(test for fault in faults for test in fault.tests))
    spread = ("-n", str(jobs), "--dist", "worksteal") if jobs > 1 else ()
    # The whole catalogue's 523 selections take some twenty minutes in one process; one that hangs is still ended.
    run = run_tests(tree, selections, *spread, seconds=LONGEST_SECONDS * max(1.0, len(selections) / 50))
    return "" if run.code == PASSED else ", ".join(run.failed_tests) or run.last_line


def run_faults(faults: Sequence[Fault], root: Path, jobs: int = 1) -> Iterator[FaultResult]:
    """Each fault's result as it comes, `jobs` at a time, each on a copy of `root` of its own.

    Raises:
        InputError: the clean code fails one of the tests, so that no failure would prove anything.
    """
    with tempfile.TemporaryDirectory(prefix="neuromf-faults-") as folder, ExitStack() as servers:
        trees: SimpleQueue[tuple[Path, RunTests]] = SimpleQueue()
        first = copy_tree(root, Path(folder).resolve() / "tree-0")
        forked = len(faults) > jobs  # for one fault a server saves nothing, nor do processes that share its tests
        if broken := prove_clean(faults, first, jobs if forked else 1):
            raise InputError(f"without any fault it fails {broken}", remedy="repair it first", file=root)
        for index in range(jobs):
            tree = first if index == 0 else copy_tree(root, first.with_name(f"tree-{index}"))
            output = tree.with_suffix(".txt")
            trees.put((tree, servers.enter_context(forked_tests(output)) if forked else run_tests))
        pool = ThreadPoolExecutor(jobs)
        try:
            yield from (done.result() for done in as_completed(pool.submit(_kill_in, trees, f) for f in faults))
        finally:
            pool.shutdown(cancel_futures=True)


def _kill_in(trees: SimpleQueue[tuple[Path, RunTests]], fault: Fault) -> FaultResult:
    tree, run = trees.get()
    try:
        return kill(fault, tree, run)
    finally:
        trees.put((tree, run))
