"""Draw changes of an area, make each, and keep what no test noticed."""

from __future__ import annotations

import datetime
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

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
    with tempfile.TemporaryDirectory(prefix="neuromf-mutants-") as folder:
        workspace = Workspace(root, Path(folder).resolve() / area.name, area)
        names = workspace.names()
        sample = draw(names, count, seed)
        tell(f"{area.name}: {len(sample)} of {len(names)} changes")
        unnoticed = workspace.alive(sample)
        tell(f"{area.name}: {len(unnoticed)} not noticed by the tests that call them; now all tests of the area")
        left = workspace.unnoticed(unnoticed)
        survivors = tuple(Survivor(name, workspace.change(name)) for name in left)
    return AreaResult(
        area=area.name,
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        commit=_commit(root),
        command=f"python -m tools mutants run {area.name} --count {count} --seed {seed}",
        seed=seed,
        machine=f"{processor_name()}, {os.cpu_count()} cores",
        mutants=len(names),
        sampled=len(sample),
        seconds=round(time.perf_counter() - start),
        survivors=survivors,
    )


def _commit(root: Path) -> str:
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
