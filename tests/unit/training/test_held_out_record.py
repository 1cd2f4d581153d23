"""The table of validations, which scans are judged, and what the cost's file tells."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import torch

from neuromf.data.latent_set import one_scan_a_subject
from neuromf.errors import InputError
from neuromf.training.batches.source import BatchSource
from neuromf.training.held_out.cost import seconds_spent, time_told
from neuromf.training.held_out.draws import choose_slices, scan_batch
from neuromf.training.held_out.record import (
    ValidationWriter,
    line_of,
    read_validations,
    validation_schema,
)
from neuromf.training.held_out.told import told
from neuromf.training.records.run_folder import RunFolder
from tests.support.tiny_run import make_tiny_config
from tests.support.validations import validation_rows, write_validations

VALIDATING = "training.validate_every_epochs=1"
CPU = torch.device("cpu")


@pytest.fixture
def table(tmp_path):
    """Rows of two validations of a run of two epochs, and their file."""
    rows = validation_rows([0.9, 0.1 + 0.2])
    write_validations(tmp_path / "validation.csv", rows)
    return rows, tmp_path / "validation.csv"


def test_rows_come_back_to_the_last_bit(table):
    """Also a number that is none, and one that is infinite."""
    rows, path = table
    assert read_validations(path) == rows
    odd = dataclasses.replace(rows[1], val_mf=math.nan, gap=math.inf)
    write_validations(path, [rows[0], odd])
    assert repr(read_validations(path)) == repr([rows[0], odd])


def test_the_table_keeps_its_schema(table):
    """As pandas reads it."""
    rows, path = table
    frame = validation_schema().validate(pd.read_csv(path))
    assert frame["val_total"].tolist() == [row.val_total for row in rows]


def test_no_file_is_no_validation_and_a_torn_row_is_left_out(table):
    """A kill while the last row was written costs that row alone."""
    rows, path = table
    path.write_text(path.read_text() + line_of(rows[1])[:9])
    assert read_validations(path) == rows
    path.write_text("epoch,st")
    assert read_validations(path) == []
    path.unlink()
    assert read_validations(path) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("epoch,", "time,", "other columns"),
        ("2,6,", "2,x,", "damaged"),
        ("2,6,", "2,3,", "out of order"),
        (",24,", ",", "damaged"),
    ],
)
def test_a_damaged_table_is_refused_by_name(table, old, new, words):
    """Header, a cell, the order, a missing cell."""
    _, path = table
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=words) as caught:
        read_validations(path)
    assert caught.value.file == str(path)


@pytest.mark.law("CKPT-001")
def test_a_resume_drops_what_it_makes_again_and_adds_to_the_rest(table):
    """From step 5 on the second validation is to come."""
    rows, path = table
    writer = ValidationWriter(path, make_tiny_config(VALIDATING), 5)
    assert writer.rows == read_validations(path) == rows[:1]
    writer.append(rows[1])
    writer.sync()
    assert writer.rows == read_validations(path) == rows


def test_a_resume_without_a_row_of_before_is_refused(table):
    """The best checkpoint and an early stop hang on every one of them."""
    rows, path = table
    write_validations(path, rows[1:])
    with pytest.raises(InputError, match="not those of the 2 validations before step 6"):
        ValidationWriter(path, make_tiny_config(VALIDATING), 6)
    assert read_validations(path) == rows[1:]


def test_a_run_that_does_not_validate_leaves_no_table(tmp_path):
    """Nor does one before its first validation."""
    for overrides in ((), (VALIDATING,)):
        ValidationWriter(tmp_path / "validation.csv", make_tiny_config(*overrides), 2).sync()
    assert not (tmp_path / "validation.csv").exists()


class Subjects:
    """Latents of seven scans of four subjects."""

    subjects = ("a", "a", "b", "c", "c", "c", "d")

    def __len__(self):
        return len(self.subjects)


def test_one_scan_a_subject_is_judged_for_scans_of_one_head_are_alike():
    """The first of each; latents in memory are each a subject of its own."""
    assert one_scan_a_subject(Subjects()) == [0, 2, 3, 6]
    assert one_scan_a_subject(torch.zeros(3, 4, 2, 2, 2)) == [0, 1, 2]
    slices = choose_slices(make_tiny_config(VALIDATING), torch.zeros(9, 4, 2, 2, 2), Subjects())
    assert slices.held_out == (0, 2, 3, 6)
    assert len(slices.trained) == len(set(slices.trained)) == len(slices) == 4


def test_either_slice_is_of_its_own_split_and_as_large_as_is_asked_for():
    """Chosen by the seed; another seed chooses others."""
    chosen = []
    for seed in (0, 1):
        config = make_tiny_config(VALIDATING, "training.validation_scans=5", f"training.seed={seed}")
        chosen.append(choose_slices(config, torch.zeros(40, 4, 2, 2, 2), torch.zeros(30, 4, 2, 2, 2)))
        assert choose_slices(config, torch.zeros(40, 4, 2, 2, 2), torch.zeros(30, 4, 2, 2, 2)) == chosen[-1]
        assert len(chosen[-1].held_out) == len(chosen[-1].trained) == 5
        assert max(chosen[-1].held_out) < 30
    assert chosen[0] != chosen[1]


@pytest.mark.law("VAL-004")
def test_fm_and_mf_samples_of_a_scan_share_their_noise():
    """Four draws, first at r = t, then with r < t; another place has other noise."""
    config = make_tiny_config(VALIDATING)
    x = torch.ones(4, 2, 2, 2)
    batch, other = scan_batch(config, x, 0, CPU), scan_batch(config, x, 1, CPU)
    assert torch.equal(batch.e[:4], batch.e[4:])
    assert (batch.r_B == batch.t_B).tolist() == [True] * 4 + [False] * 4
    assert batch.mf_rows.tolist() == [4, 5, 6, 7]
    assert not np.isin(other.e.numpy(), batch.e.numpy()).any()
    trained = BatchSource(x[None], config, CPU).draw(0, 0, 4)
    assert not np.isin(trained.e.numpy(), batch.e.numpy()).any()


def test_the_sentence_says_newest_best_and_gap():
    """With the interval where there is one."""
    rows, config = validation_rows([0.9, 0.8, 0.85], [0.0, 0.1, 0.5]), make_tiny_config(VALIDATING)
    assert told(rows, config) == (
        "val_total 0.85 after epoch 3, best 0.8 after epoch 2; held-out scans 50 % above training scans "
        "(25 to 75 with 99.9 % confidence, 6 scans)"
    )
    few = [dataclasses.replace(rows[-1], scans=1, gap_low=math.nan, gap_high=math.nan, val_total=math.nan)]
    assert told(few, config) == (
        "val_total nan after epoch 3, never finite; held-out scans 50 % above training scans (1 scan: no interval)"
    )


def test_the_cost_is_the_sum_of_all_validations(tmp_path):
    """Those that were made again too; a torn line gives no number, and no error."""
    run = RunFolder(tmp_path)
    run.validation_times.write_text("step,seconds\n3,1.250\n6,0.500\n6,0.750\n")
    assert (seconds_spent(run), time_told(run)) == (2.5, "validations took 2.5 s")
    run.validation_times.write_text("step,seconds\n3,1.2.")
    assert math.isnan(seconds_spent(run))
