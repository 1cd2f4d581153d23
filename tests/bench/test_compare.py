"""`neuromf compare` of traces of a million steps: the comparator alone, and the command whole."""

import os
import resource
import subprocess
import sys

import pytest
import torch

from neuromf.comparison.comparator import ComparisonVerdict, Tolerance, compare
from tests.support.long_run import long_run
from tests.support.trace_strategies import NUMBERS, table_of
from tools.performance.figures import Figure

pytestmark = pytest.mark.bench
LIMIT = 3.0
MOST_MIB = 600.0
STEPS = 1_000_000
COMMAND = "nox -s bench -- --store"
CPU = torch.device("cpu")


def test_two_traces_of_a_million_steps(benchmark):
    """Two traces of a million steps are compared in at most 3 s."""
    first, second = table_of(STEPS), table_of(STEPS)
    tolerances = {name: Tolerance(rtol=1e-3) for name in NUMBERS}
    result = benchmark.pedantic(compare, args=(first, second, tolerances), rounds=3)
    assert result.verdict is ComparisonVerdict.PASS
    assert benchmark.stats.stats.max <= LIMIT


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of a million steps, and a copy of the first."""
    folder = tmp_path_factory.mktemp("runs")
    return {name: long_run(folder / name, STEPS, seed) for name, seed in (("a", 0), ("b", 1), ("copy", 0))}


@pytest.mark.parametrize(("other", "code"), [("copy", 0), ("b", 1)])
def test_the_whole_command_on_two_long_runs(runs, other, code, measured):
    """Equal or different everywhere, two runs of a million steps take at most 3 s and 600 MiB, imports and all."""
    command = [sys.executable, "-m", "neuromf", "compare", str(runs["a"]), str(runs[other])]
    begun = os.times()
    ended = subprocess.run(command, capture_output=True, check=False)
    seconds = os.times().elapsed - begun.elapsed
    assert ended.returncode == code
    mebibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    what = "compare of two runs of a million steps, " + ("equal" if code == 0 else "different")
    figures = [Figure(what, seconds, "s", LIMIT), Figure(f"memory of {what}", mebibytes, "MiB", MOST_MIB)]
    measured(figures, CPU, COMMAND)
