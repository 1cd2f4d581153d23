"""The summary of an epoch, whatever its steps hold."""

from __future__ import annotations

import json
import math
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neuromf.trace.average import mean
from neuromf.trace.columns import CHANNELS, COLUMNS, Row
from neuromf.training.records.epoch_summary import AVERAGED, EpochColumns
from neuromf.training.records.summary import block_norms, read_summary
from neuromf.training.records.summary_writer import SummaryWriter
from tests.support.reported_run import summary_of

ODD = (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, -0.0, 0.0, 1.0)
NUMBERS = st.sampled_from(ODD) | st.floats()


def rows_of(values: list[float | None]) -> list[Row]:
    """Steps in which every column holds the same number, and none where it is None and may be."""
    return [
        {
            c.name: {"int": step, "text": "abc", "float": 1.0 if value is None and not c.optional else value}[c.kind]
            for c in COLUMNS
        }
        for step, value in enumerate(values)
    ]


@pytest.mark.law("OBS-002")
@given(values=st.lists(NUMBERS | st.none(), min_size=1, max_size=4), norm=NUMBERS)
@example(values=[1e308, 1e308], norm=1.0)
@example(values=[math.inf, -math.inf], norm=math.nan)
def test_any_epoch_is_summed_up_and_read_back(values, norm):
    """A number that is not finite is told as none; JSON has no other word, and the trace holds every step."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "training_summary.json"
        with SummaryWriter(path, 0) as writer:
            writer.append(summary_of(rows_of(values), 0, {"out": norm}))
        (record,) = read_summary(path)
        json.loads(path.read_text(), parse_constant=pytest.fail)
        (blocks,) = block_norms([record], path)

    assert blocks.norms == ({"out": norm} if math.isfinite(norm) else {})
    filled = [1.0 if value is None else value for value in values]
    expected = mean(filled) if all(map(math.isfinite, filled)) else None
    assert record["raw_loss_mean"] == expected


def test_a_mean_of_numbers_whose_sum_is_no_float_is_one_of_them():
    """Two of 1e308 are 1e308 in the mean, and infinities of both signs are no number."""
    assert mean([1e308, 1e308]) == 1e308
    assert mean([1.0, math.inf]) == math.inf
    assert math.isnan(mean([math.inf, -math.inf]))
    assert math.isnan(mean([math.nan, 1.0]))


def test_an_epoch_takes_eight_bytes_a_number():
    """Whole rows of an epoch of 100,000 steps would take 394 MiB; the numbers that are averaged take nine."""
    (row,) = rows_of([0.5])
    columns = EpochColumns()
    tracemalloc.start()
    for _ in range(10_000):
        columns.add(row)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    # An array grows by an eighth at a time.
    assert size <= 10_000 * 8 * len((*AVERAGED, *CHANNELS)) * 9 / 8 + 10_000
