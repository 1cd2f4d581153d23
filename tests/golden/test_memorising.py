"""A training that learns its scans by heart is called so, a healthy one is not (law VAL-005).

Both train the same small network on real heads, latents of 4 x 8^3, in steps of eight samples: one on 8 subjects, each
of which it sees 360 times, one on 64, each of which it sees 37 times.
"""

import math

import pytest
import torch

from neuromf.config import load_config
from neuromf.diagnosis.diagnosis import diagnose
from neuromf.monitor.events import read_events
from neuromf.trace.reader import read_rows
from neuromf.training.held_out.decisions import best_row
from neuromf.training.held_out.record import read_validations
from neuromf.training.latents.store import training_store
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from tests.support.tiny_run import TINY

BY_HEART = "training scans that are known by heart"
LENGTH = (
    "training.gradient_accumulation_steps=1", "training.batch_size_per_gpu=8", "training.micro_batches_per_epoch=30",
    "training.checkpoint_every_steps=1000", "training.validate_every_epochs=2",
    "training.learning_rate=0.003",
)  # fmt: skip


def trained(folder, subjects, ratios, epochs):
    """A run's configuration and its folder."""
    config = load_config(
        ["smoke"],
        [*TINY, *LENGTH, f"training.epochs={epochs}", f"data.demo_subjects={subjects}", f"data.split_ratios={ratios}"],
    )
    run = create_run(folder / "run", config, "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(folder / "cache"))
        store = training_store(config)
        held_out = store.split("validation")
        train(config, store.split("train"), run, device=torch.device("cpu"), validation=held_out)
    return config, run


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """The run that memorises."""
    return trained(tmp_path_factory.mktemp("few"), 16, "[0.5,0.5,0.0]", 12)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The healthy one."""
    return trained(tmp_path_factory.mktemp("many"), 80, "[0.8,0.2,0.0]", 10)


def suspects(config, run):
    rows = read_validations(run.validations)
    return {s.name: s for s in diagnose(config, read_rows(run.trace), read_events(run.events), None, rows)}


@pytest.mark.law("VAL-005")
def test_a_run_on_eight_subjects_is_called_memorising(few):
    """Told of once, at the end of epoch 10 of 12, and named by the diagnosis.

    Measured: at the end held-out scans cost 4.1 times as much, at least 1.25 times; the best was after epoch 6.
    """
    config, run = few
    rows = read_validations(run.validations)
    assert rows[-1].gap_low > 0.1, rows[-1]
    warnings = [event for event in read_events(run.events) if event.law == "VAL-005"]
    assert len(warnings) == 1
    found = suspects(config, run)[BY_HEART]
    assert found.law == "VAL-005"
    assert any("above training scans" in reason for reason in found.supporting)
    best = best_row(rows, config)
    assert best.epoch < rows[-1].epoch


@pytest.mark.law("VAL-005")
def test_a_run_on_64_subjects_is_not(many):
    """The gap's interval reaches 0, or the gap is below a tenth, at every validation: 8 % (-12 to 34) at the end."""
    config, run = many
    rows = read_validations(run.validations)
    assert all(not math.isnan(row.gap_low) for row in rows)
    assert [event for event in read_events(run.events) if event.law == "VAL-005"] == []
    assert BY_HEART not in suspects(config, run)
