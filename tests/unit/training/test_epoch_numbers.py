"""Each number of `training_summary.json` and of TensorBoard, recomputed from a trace whose every number is another."""

from __future__ import annotations

import json
import statistics

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from neuromf.trace.columns import COLUMNS
from neuromf.training.records.epoch_summary import UNIT
from neuromf.training.records.summary import block_norms, latest_blocks, read_summary
from neuromf.training.records.summary_writer import SummaryWriter
from neuromf.training.records.tensorboard import TensorBoardMirror
from tests.support.reported_run import summary_of
from tests.support.told_numbers import FLOATS, cell, telling_rows

ROWS = telling_rows(11)
BLOCKS = {"in": 0.5, "out": 7.0}
EPOCH = 5


def mean(name):
    return pytest.approx(sum(cell(row, name) for row in ROWS) / len(ROWS))


def last(name):
    return pytest.approx(cell(ROWS[-1], name))


def expected():
    """What each key of a record says of its epoch."""
    return {
        "epoch": EPOCH,
        "global_step": 11,
        "unit": UNIT,
        "loss_mean": mean("weighted"),
        "loss_std": pytest.approx(statistics.pstdev(cell(row, "weighted") for row in ROWS)),
        "objective_mean": mean("objective"),
        "raw_loss_mean": mean("raw_total"),
        "raw_loss_fm_mean": mean("raw_fm"),
        "raw_loss_mf_mean": mean("raw_mf"),
        "raw_loss_per_channel": [mean(f"raw_ch{channel}") for channel in range(4)],
        "grad_norm_mean": mean("grad_norm"),
        "grad_clip_fraction": mean("clip_frac"),
        "grad_norm_per_block": BLOCKS,
        "learning_rate": last("lr"),
        "relative_update_norm": pytest.approx(cell(ROWS[-1], "update_rms") / cell(ROWS[-1], "param_rms")),
        "ema_divergence": last("ema_gap"),
    }


@pytest.mark.law("OBS-001")
def test_each_number_of_an_epoch_is_that_of_its_own_column():
    """Means over the epoch's steps or the last step's cell; a key more or less than these is an error."""
    assert summary_of(ROWS, EPOCH, BLOCKS) == expected()


@pytest.mark.law("OBS-001")
@pytest.mark.parametrize("column", ["raw_fm", "raw_mf"])
def test_a_step_without_a_term_is_left_out_of_its_mean_alone(column):
    """The mean over the steps that have the term; all else is unchanged."""
    rows = [row | ({column: None} if step in (0, 7) else {}) for step, row in enumerate(ROWS)]
    found, key = summary_of(rows, EPOCH, BLOCKS), f"raw_loss_{column[-2:]}_mean"
    kept = [cell(row, column) for step, row in enumerate(ROWS) if step not in (0, 7)]
    assert found == expected() | {key: pytest.approx(sum(kept) / 9)}


def test_a_record_is_read_back_as_it_was_written(tmp_path):
    """Record after record; the newest norms by block are those of its last step."""
    path = tmp_path / "training_summary.json"
    with SummaryWriter(path, 0) as writer:
        for epoch, factor in ((0, 1.0), (1, 3.0), (2, 9.0)):
            rows = [row | {"step": row["step"] + 11 * epoch} for row in ROWS]
            writer.append(summary_of(rows, epoch, {name: factor * norm for name, norm in BLOCKS.items()}))
    assert [record["global_step"] for record in json.loads(path.read_text())] == [11, 22, 33]
    found = block_norms(read_summary(path), path)
    assert [(blocks.step, blocks.norms["out"]) for blocks in found] == [(10, 7.0), (21, 21.0), (32, 63.0)]
    assert latest_blocks(read_summary(path), path) == found[-1]


@pytest.mark.law("OBS-002")
def test_a_scalar_of_tensorboard_is_named_by_its_stage_and_column(tmp_path):
    """Every number of a row under its own name, at the row's step."""
    with TensorBoardMirror(tmp_path, 3) as mirror:
        mirror.add(ROWS[4])
    kept = EventAccumulator(str(tmp_path)).Reload()
    shown = {tag: [(point.value, point.step) for point in kept.Scalars(tag)] for tag in kept.Tags()["scalars"]}
    stages = {column.name: column.stage for column in COLUMNS}
    # TensorBoard keeps float32.
    assert shown == {f"{stages[name]}/{name}": [(np.float32(cell(ROWS[4], name)), 4)] for name in FLOATS}
