"""The summary of a run grows in place, and is whole JSON whenever anyone may read it."""

from __future__ import annotations

import json
import math
import os

import pytest

from neuromf.errors import InputError
from neuromf.training.records.summary import read_summary
from neuromf.training.records.summary_writer import SummaryWriter


def record(epoch):
    return {"epoch": epoch, "global_step": 3 * epoch + 3, "unit": "a }, [b]\n", "grad_norm_per_block": {"out": 0.5}}


def write(path, epochs, first=0):
    with SummaryWriter(path, first) as writer:
        for epoch in epochs:
            writer.append(record(epoch))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "training_summary.json"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_file_is_one_json_document_after_every_epoch(path, count):
    """To the byte what is written when all records are written at once."""
    with SummaryWriter(path, 0) as writer:
        for epoch in range(count):
            writer.append(record(epoch))
            expected = json.dumps([record(e) for e in range(epoch + 1)], indent=1) + "\n"
            assert path.read_text() == expected


def test_no_epoch_is_no_file(path):
    """A run that is killed in its first epoch leaves none."""
    write(path, [])
    assert not path.exists()
    assert read_summary(path) == []


@pytest.mark.law("CKPT-001")
def test_a_file_that_a_kill_left_empty_holds_no_epoch(path):
    """Made, and not written yet: a resume begins the summary anew."""
    path.touch()
    assert read_summary(path) == []
    with SummaryWriter(path, 0) as writer:
        writer.append({"epoch": 0})
    assert read_summary(path) == [{"epoch": 0}]


@pytest.mark.law("CKPT-001")
def test_a_resumed_run_drops_what_it_makes_again(path):
    """Records from the epoch under way on are gone at once, and the file ends as that of an undisturbed run."""
    write(path, range(5))
    undisturbed = path.read_bytes()
    with SummaryWriter(path, 2) as writer:
        assert [found["epoch"] for found in read_summary(path)] == [0, 1]
        for epoch in range(2, 5):
            writer.append(record(epoch))
    assert path.read_bytes() == undisturbed


@pytest.mark.law("CKPT-001")
def test_of_a_torn_file_the_whole_records_are_read(path):
    """Wherever a power failure cut it behind the first record, and a resume goes on from there."""
    write(path, range(3))
    whole = path.read_bytes()
    ends = [at for at in range(len(whole)) if whole[:at].endswith(b"\n }")]
    assert len(ends) == 3
    for size in range(ends[0], len(whole)):
        path.write_bytes(whole[:size])
        assert [found["epoch"] for found in read_summary(path)] == list(range(sum(end <= size for end in ends)))
    path.write_bytes(whole[:-5])
    write(path, [2], first=2)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("text", ["{", "[\n {", "[1]\n }", "\n }"])
def test_what_never_was_a_summary_is_refused(path, text):
    """A torn end is forgiven, another file is not."""
    path.write_text(text)
    with pytest.raises(InputError, match="not a training summary"):
        read_summary(path)


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize("epochs", [0, 2])
def test_a_full_disk_leaves_the_file_as_it_was(path, monkeypatch, epochs):
    """Half a record is taken back, though the disk takes no further byte."""
    write(path, range(epochs))
    before = path.read_bytes() if epochs else b""
    real = os.pwrite
    with SummaryWriter(path, epochs) as writer:
        monkeypatch.setattr(os, "pwrite", lambda stream, text, place: real(stream, text[:40], place))
        with pytest.raises(OSError, match="No space left"):
            writer.append(record(epochs))
    assert path.read_bytes() == before


def test_a_number_that_is_not_finite_is_none(path):
    """JSON has no word for it."""
    with SummaryWriter(path, 0) as writer:
        writer.append(record(0) | {"loss_mean": math.nan})
    assert read_summary(path) == [record(0) | {"loss_mean": None}]


def test_an_epoch_costs_the_same_however_many_there_were(path, monkeypatch):
    """The bytes written for the hundredth epoch are those of one record."""
    written = []
    real = os.pwrite
    monkeypatch.setattr(
        os, "pwrite", lambda stream, text, place: written.append(len(text)) or real(stream, text, place)
    )
    write(path, range(100))
    assert max(written) < 2 * min(written)
