"""Traces of latents of any number of channels; those of four are what they were."""

import pytest

from neuromf.comparison.comparator import ComparisonVerdict, compare
from neuromf.comparison.stages import stage_of
from neuromf.comparison.table import read_table
from neuromf.errors import InputError
from neuromf.trace.columns import COLUMNS, NAMES, channels_in, column_named, columns_in, columns_of
from neuromf.trace.reader import read_rows, read_trace, steps_covered
from neuromf.trace.writer import TraceWriter
from neuromf.training.records.epoch_summary import EpochColumns
from neuromf.watch.trace_tail import TraceTail

FOUR = (
    "step,batch_hash,t_mean,h_mean,frac_fm,z_rms,v_rms,u_rms,dudt_rms,rho,target_rms,raw_fm,raw_mf,raw_total,raw_ch0,raw_ch1,raw_ch2,"
    "raw_ch3,raw_v_head,w_mean,w_sat,weighted,objective,grad_norm,grad_zeros,clip_frac,lr,update_rms,param_rms,ema_gap"
)
"""The header of every trace that was written before there were others."""


def row_of(step, channels):
    """One step of such a trace."""
    return {c.name: {"int": step, "text": "abc", "float": 0.5 + step}[c.kind] for c in columns_of(channels)}


def written(path, channels, steps=3):
    """A trace of some steps."""
    with TraceWriter(path, 0, channels) as trace:
        for step in range(steps):
            trace.append(row_of(step, channels))
    return path


def test_the_header_of_four_channels_is_what_it_was():
    """Every trace and golden of earlier versions is read by it."""
    assert ",".join(NAMES) == FOUR
    assert columns_of(4) == COLUMNS


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize("channels", [1, 3, 4, 12])
def test_a_trace_of_any_channels_is_read_as_it_was_written(tmp_path, channels):
    """As a table, row by row, as arrays, while it grows, and by how many steps it has."""
    path = written(tmp_path / "trace.csv", channels)
    names = [f"raw_ch{channel}" for channel in range(channels)]
    assert [name for name in read_trace(path) if name.startswith("raw_ch")] == names
    assert list(channels_in(read_rows(path)[-1])) == names
    assert read_table(path).numbers[names[-1]].values.tolist() == [0.5, 1.5, 2.5]
    tail = TraceTail(path)
    tail.look()
    assert tail.recent[-1][names[-1]] == 2.5
    assert steps_covered(path) == 3
    assert compare(read_table(path), read_table(path), {}).verdict is ComparisonVerdict.PASS


def test_a_resume_keeps_the_rows_of_all_channels(tmp_path):
    """And refuses those of another number."""
    path = written(tmp_path / "trace.csv", 6)
    before = path.read_bytes()
    with TraceWriter(path, 2, 6) as trace:
        trace.append(row_of(2, 6))
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="a row is damaged"):
        TraceWriter(path, 2, 4)


def test_traces_of_other_channels_are_not_compared(tmp_path):
    """They break the contract, by name."""
    six, four = (read_table(written(tmp_path / f"{count}.csv", count)) for count in (6, 4))
    found = compare(six, four, {})
    assert found.verdict is ComparisonVerdict.CONTRACT
    assert "'raw_ch4', 'raw_ch5'" in found.problem


def test_a_column_is_known_by_its_name_alone():
    """Whichever channel it is of; what is none has none."""
    assert column_named("raw_ch11").stage == stage_of("raw_ch11").name == "loss"
    assert [column_named(name) for name in ("raw_ch", "raw_chx", "raw_ch-1", "loss", "raw_ch99999")] == [None] * 5
    assert columns_in(("step", "raw_ch0")) == COLUMNS


def test_an_epoch_has_the_mean_of_each_channel():
    """In `raw_loss_per_channel`, as many as there are."""
    columns = EpochColumns(6)
    for step in range(2):
        columns.add(row_of(step, 6))
    assert columns.summary(0, {})["raw_loss_per_channel"] == [1.0] * 6
