"""Draw changes of an area, make each, and keep what no test noticed."""

from __future__ import annotations

import datetime
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from neuromf.errors import InputError
from neuromf.training.device.facts import processor_name
from tools.mutants.areas import Area
from tools.mutants.results import AreaResult, Survivor
from tools.mutants.workspace import Workspace


def draw(names: Sequence[str], count: int, seed: int) -> list[str]:
    """`count` of the names, or all of them where there are fewer, in their order; the same for the same seed."""
    return sorted(random.Random(seed).sample(sorted(names), min(count, len(names))))


def run_area(root: Path, area: Area, *, count: int, seed: int, tell: Callable[[str], None]) -> AreaResult:
    """Try `count` changes of an area on a copy of the checkout `root`.

    Args:
        root: the checkout.
        area: whose code is changed.
        count: how many changes are drawn.
        seed: of the draw.
        tell: called with a line for every step of the way.
    """
    start = time.perf_counter()
    with _workspace(root, area) as workspace:
        names = workspace.names()
        sample = draw(names, count, seed)
        tell(f"{area.name}: {len(sample)} of {len(names)} changes")
        survivors = _survivors(workspace, sample, tell)
    return AreaResult(
        area=area.name,
        date=_today(),
        commit=_commit(root),
        command=f"python -m tools mutants run {area.name} --count {count} --seed {seed}",
        seed=seed,
        machine=f"{processor_name()}, {os.cpu_count()} cores",
        mutants=len(names),
        sampled=len(sample),
        seconds=round(time.perf_counter() - start),
        survivors=survivors,
    )


def run_again(root: Path, area: Area, before: AreaResult, *, tell: Callable[[str], None]) -> AreaResult:
    """Try an area's survivors once more, as after a test was written; what was noticed before counts as it did.

    Raises:
        InputError: the code was changed, so that a survivor's name stands for another change.
    """
    with _workspace(root, area) as workspace:
        workspace.names()
        wanted = [one.mutant for one in before.survivors]
        for one in before.survivors:
            if workspace.change(one.mutant).strip() != one.change.strip():
                problem = f"{one.mutant} is another change now"
                raise InputError(problem, remedy=f"run it anew: {before.command}", key=area.name)
        survivors = _survivors(workspace, wanted, tell) if wanted else ()
    return replace(before, date=_today(), commit=_commit(root), survivors=survivors)


@contextmanager
def _workspace(root: Path, area: Area) -> Iterator[Workspace]:
    with tempfile.TemporaryDirectory(prefix="neuromf-mutants-") as folder:
        yield Workspace(root, Path(folder).resolve() / area.name, area)


def _survivors(workspace: Workspace, names: Sequence[str], tell: Callable[[str], None]) -> tuple[Survivor, ...]:
    unnoticed = workspace.alive(names)
    said = "not noticed by the tests that call them; now all tests of the area"
    tell(f"{workspace.area.name}: {len(unnoticed)} {said}")
    return tuple(Survivor(name, workspace.change(name)) for name in workspace.unnoticed(unnoticed))


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


def _commit(root: Path) -> str:
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
