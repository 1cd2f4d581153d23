"""Whatever numbers a trace holds, it is read to the end: a diagnosis, a judgement of each row, a chart."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neuromf.diagnosis.diagnosis import diagnose
from neuromf.diagnosis.symptoms.blocks import BlockNorms
from neuromf.errors import InputError
from neuromf.monitor.checks.runtime_checks import step_readings
from neuromf.monitor.events import parse_event
from neuromf.report.charts import Frame, draw
from neuromf.report.lines import DRAWN, Line, column_values
from neuromf.trace.columns import CHANNELS
from neuromf.training.records.summary import read_summary
from tests.support.reported_run import trace_rows
from tests.support.tiny_run import make_tiny_config

CONFIG = make_tiny_config("training.epochs=8")
ROWS = trace_rows(24)
COLUMNS = [name for name in ROWS[0] if name not in ("step", "batch_hash")]
NUMBERS = st.sampled_from([0.0, 1e-320, 1e-45, 1.0, 1e38, 1e200, 1e308, math.nan, math.inf, -1.0, -1e308])
CELLS = st.dictionaries(st.sampled_from(COLUMNS), NUMBERS | st.none(), max_size=6)
NORMS = st.dictionaries(st.sampled_from(["out", "v_out", "conv_in", "middle_block", "up_block_0"]), NUMBERS)


@example(cells={"raw_fm": 0.0}, first=0, norms={}, step=0)
@example(cells={"v_rms": 1e308}, first=0, norms={}, step=0)
@example(cells={"frac_fm": 1e308}, first=0, norms={}, step=0)
@example(cells={"raw_total": None, **dict.fromkeys(CHANNELS, 1e308)}, first=0, norms={}, step=0)
@example(cells=dict.fromkeys(CHANNELS, 0.0), first=0, norms={}, step=0)
@example(cells=dict.fromkeys(COLUMNS, 0.0), first=0, norms={}, step=0)
@given(cells=CELLS, first=st.integers(0, 23), norms=NORMS, step=st.sampled_from([0, 1, 23, 10**30]))
def test_any_numbers_are_diagnosed(cells, first, norms, step):
    """From some step on columns hold anything, and so do the blocks: each suspect has a probability."""
    rows = [row | cells if row["step"] >= first else row for row in ROWS]
    for suspect in diagnose(CONFIG, rows, [], BlockNorms(step, norms)):
        assert 0 <= suspect.score <= 1


@given(cells=CELLS)
def test_any_row_is_judged(cells):
    """A share that is no number fails its law."""
    findings = {reading.law_id: reading.finding for reading in step_readings(CONFIG, ROWS[-1] | cells)}
    share = cells.get("frac_fm", 1.0)
    if share is None or not math.isfinite(share * 8):
        assert not findings["TIME-002"].passed


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("value", [1e308, -1e308, 1e-320, math.inf])
def test_any_number_is_drawn(value, log):
    """A number near the largest float stands at the end of the axis, which has room for its ticks there."""
    values = column_values([row | {"lr": value} for row in ROWS[:3]] + ROWS[3:], "lr")
    line = Line(column_values(ROWS, "step"), values, "lr", "#000")
    assert abs(line.drawable(log=log).y).max() <= DRAWN
    assert "<svg" in draw([line], Frame("title", "unit", log=log))


def test_counts_beyond_any_run_are_refused(tmp_path):
    """JSON holds numbers of 400 digits, which no axis does."""
    path = tmp_path / "training_summary.json"
    path.write_text(f'[{{"epoch": 1{"0" * 400}}}]')
    with pytest.raises(InputError, match="not a training summary"):
        read_summary(path)
    with pytest.raises(ValueError, match="step 1000"):
        parse_event(f'{{"step": 1{"0" * 400}, "level": "info", "law": "", "message": ""}}')
