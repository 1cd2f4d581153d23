"""`training.measure_weights_every_steps`: readings that pass over all weights are made in some steps alone."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuromf.config.derived import FIRST_STEPS, epoch_of_step, run_facts, weights_are_measured
from neuromf.config.resolve import config_hash
from neuromf.diagnosis.symptoms.update import update_signs
from neuromf.monitor.checks.trace_summary import summarise
from neuromf.monitor.events import read_events
from neuromf.trace.reader import read_rows
from neuromf.training.checkpoints.checkpoint import WEIGHTS, latest_checkpoint
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from tests.support.tiny_run import make_tiny_config

MEASURED = ("grad_zeros", "update_rms", "param_rms", "ema_gap")
LENGTH = ("training.epochs=3", "training.micro_batches_per_epoch=14", "training.checkpoint_every_steps=100")
"""21 steps, epochs of seven."""
RARELY = make_tiny_config(*LENGTH, "training.measure_weights_every_steps=4")
READ = [*range(FIRST_STEPS), 11, 13, 15, 19, 20]
"""By hand: the first ten, one in four, and the last of the epochs."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory, real_latents):
    """The same training, its weights measured in every step and in some."""
    folder = tmp_path_factory.mktemp("measured")
    made = {}
    for name, config in {"always": make_tiny_config(*LENGTH), "rarely": RARELY}.items():
        made[name] = create_run(folder / name, config, "")
        train(config, real_latents, made[name], device=torch.device("cpu"))
    return made


def test_weights_are_measured_in_the_steps_that_the_key_names(runs):
    """In the others the cells are empty."""
    rows = read_rows(runs["rarely"].trace)
    for name in MEASURED:
        assert [row["step"] for row in rows if row[name] is not None] == READ


def test_measuring_them_rarely_changes_no_other_number(runs):
    """What is measured is the same, and so are the weights."""
    rarely, always = (read_rows(runs[name].trace) for name in ("rarely", "always"))
    for one, other in zip(rarely, always, strict=True):
        unmeasured = {name for name in MEASURED if one["step"] not in READ}
        assert one == {**other, **dict.fromkeys(unmeasured)}
    weights = [latest_checkpoint(runs[name].root).state["sha256"][WEIGHTS] for name in ("rarely", "always")]
    assert weights[0] == weights[1]


def test_an_epochs_summary_has_its_numbers_however_rarely_measured(runs):
    """The last step of an epoch is always measured."""
    assert runs["rarely"].summary.read_text() == runs["always"].summary.read_text()


def test_a_rate_is_no_part_of_the_hash_of_a_run_from_before_it():
    """At one, which every run before had."""
    assert config_hash(make_tiny_config("training.measure_weights_every_steps=1")) == config_hash(make_tiny_config())
    assert config_hash(RARELY) != config_hash(make_tiny_config(*LENGTH))


@given(every=st.integers(1, 40), accumulation=st.integers(1, 5))
def test_every_step_of_a_run_is_near_one_that_was_measured(every, accumulation):
    """Never more than so many steps behind it, and each epoch ends with one."""
    config = make_tiny_config(
        "training.epochs=4", "training.micro_batches_per_epoch=30",
        f"training.gradient_accumulation_steps={accumulation}", f"training.measure_weights_every_steps={every}",
    )  # fmt: skip
    steps = range(run_facts(config).optimiser_steps)
    measured = [step for step in steps if weights_are_measured(config, step)]
    assert all(after - before <= every for before, after in pairwise(measured))
    assert set({epoch_of_step(config, step): step for step in steps}.values()) <= set(measured)


def test_a_healthy_run_is_measured_rarely_without_a_sign_of_a_fault(runs):
    """Neither its monitors nor the diagnosis of its trace miss what was not measured."""
    assert {event.level for event in read_events(runs["rarely"].events)} == {"info"}
    signs = [
        dict(update_signs(RARELY, summarise(read_rows(runs[name].trace)), long_enough=True))
        for name in ("rarely", "always")
    ]
    assert signs[0].keys() == signs[1].keys()
    assert signs[0]["average_off"].points == signs[1]["average_off"].points < 0


def test_an_average_that_is_the_weights_is_found_though_rarely_measured(runs):
    """Its distance is nought wherever it was looked at."""
    rows = [{**row, "ema_gap": None if row["ema_gap"] is None else 0.0} for row in read_rows(runs["rarely"].trace)]
    assert dict(update_signs(RARELY, summarise(rows), long_enough=True))["average_off"].points > 0


@pytest.mark.law("OBS-002")
def test_an_average_as_far_as_all_its_updates_allow_is_sound(runs):
    """Also where some of them were not measured: they took it there all the same."""
    rows, away, beta = [], 0.0, RARELY.ema.decay
    for row in read_rows(runs["always"].trace):
        away = beta * (away + row["update_rms"])
        moved = {**row, "ema_gap": away / row["param_rms"]}
        rows.append(moved if row["step"] in READ else {**moved, **dict.fromkeys(MEASURED)})
    assert dict(update_signs(RARELY, summarise(rows), long_enough=True))["average_off"].points < 0
