"""The comparator on traces of a million steps."""

import pytest

from neuromf.comparison.comparator import ComparisonVerdict, Tolerance, compare
from tests.support.trace_strategies import NUMBERS, table_of

pytestmark = pytest.mark.bench
LIMIT = 3.0
STEPS = 1_000_000


def test_two_traces_of_a_million_steps(benchmark):
    """Two traces of a million steps are compared in at most 3 s."""
    first, second = table_of(STEPS), table_of(STEPS)
    tolerances = {name: Tolerance(rtol=1e-3) for name in NUMBERS}
    result = benchmark.pedantic(compare, args=(first, second, tolerances), rounds=3)
    assert result.verdict is ComparisonVerdict.PASS
    assert benchmark.stats.stats.max <= LIMIT
