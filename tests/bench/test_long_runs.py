"""The commands that read a run, whole, on runs of many steps."""

import pytest
import torch

from tests.support.long_run import long_run
from tests.support.watched_process import watch
from tools.performance.figures import Figure

pytestmark = pytest.mark.bench
COMMAND = "nox -s bench -- --store"
CPU = torch.device("cpu")
THOUSANDS, MILLION = 100_000, 1_000_000
ROUNDS = 3


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of a million steps, a copy of the first, and one of a hundred thousand."""
    folder, wanted = tmp_path_factory.mktemp("runs"), {"a": 0, "b": 1, "copy": 0}
    made = {name: long_run(folder / name, MILLION, seed) for name, seed in wanted.items()}
    return made | {"short": long_run(folder / "short", THOUSANDS, 0)}


@pytest.mark.parametrize(
    ("what", "arguments", "codes", "most_seconds", "most_mebibytes"),
    [
        ("compare of two runs of a million steps, equal", ("compare", "a", "copy"), {0}, 3.0, 600.0),
        ("compare of two runs of a million steps, different", ("compare", "a", "b"), {1}, 3.0, 600.0),
        ("report of a run of a hundred thousand steps", ("report", "short"), {0}, 3.0, None),
        ("report of a run of a million steps", ("report", "a"), {0}, 15.0, 1024.0),
        ("watch --once of a run of a million steps", ("watch", "a", "--once"), {0, 1}, 0.5, None),
    ],
)
def test_a_long_run_is_read_within_its_bars(
    runs, tmp_path, measured, what, arguments, codes, most_seconds, most_mebibytes
):
    """The median of three processes, each alone."""
    command, *rest = arguments
    found = [watch((command, *(runs.get(one, one) for one in rest)), tmp_path) for _ in range(ROUNDS)]
    # A run that nobody writes any more is told as silent some minutes later, with another code.
    assert {one.code for one in found} <= codes
    median = sorted(found, key=lambda one: one.wall_s)[ROUNDS // 2]
    measured(
        [
            Figure(what, median.wall_s, "s", most_seconds),
            Figure(f"memory of {what}", max(one.resident_mib for one in found), "MiB", most_mebibytes),
        ],
        CPU, COMMAND,
    )  # fmt: skip
