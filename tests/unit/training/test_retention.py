"""Which checkpoints stay: the newest, and those of lowest raw loss."""

from __future__ import annotations

import math

import pytest
import torch

from neuromf.config import config_hash
from neuromf.trace.reader import read_trace
from neuromf.training.checkpoints.checkpoint import latest_checkpoint, read_checkpoint, save_checkpoint
from neuromf.training.checkpoints.folders import Kept, Retention, remove_unfinished, retained
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from neuromf.training.step.state import initial_state
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
LOSSES = {1: 3.0, 2: 1.0, 3: 2.0, 4: math.nan, 5: 5.0, 6: 4.0}


@pytest.mark.parametrize(
    ("rule", "steps"),
    [
        (Retention(2, 0), {5, 6}),
        (Retention(1, 1), {2, 6}),
        (Retention(2, 2), {2, 3, 5, 6}),
        (Retention(1, 9), {1, 2, 3, 5, 6}),
        (Retention(9, 0), set(LOSSES)),
    ],
)
def test_the_newest_and_the_best_stay(rule, steps):
    """So many of each; a loss that is not a number is never among the best."""
    assert retained([Kept(step, loss) for step, loss in LOSSES.items()], rule) == steps


def test_the_earlier_of_two_equals_is_the_best():
    """A tie does not depend on the order in which folders are listed."""
    pair = [Kept(1, 1.0), Kept(2, 1.0), Kept(3, 2.0)]
    assert retained(pair, Retention(1, 1)) == retained(pair[::-1], Retention(1, 1)) == {1, 3}


def test_a_run_keeps_the_checkpoint_of_its_lowest_raw_loss(tmp_path, real_latents):
    """The best is told by the mean raw loss over the steps before it, as the trace has them."""
    config = make_tiny_config("training.epochs=5", "training.learning_rate=1.0e-9", "training.keep_last_checkpoints=1")
    run = create_run(tmp_path / "run", config, "")
    train(config, real_latents, run, device=CPU)

    raw = read_trace(run.trace)["raw_total"].rolling(2).mean()
    saved = {step: raw[step - 1] for step in [*range(2, 15, 2), 15]}
    best = min(saved, key=saved.get)
    assert best != 15, "the newest must not be the best, or nothing is shown"
    kept = sorted(path.name for path in (run.root / "checkpoints").iterdir())
    assert kept == [f"step_{best:08d}", "step_00000015"]
    recorded = read_checkpoint(run.root / "checkpoints" / kept[0]).state["raw_loss"]
    assert recorded == pytest.approx(saved[best], rel=1e-12)


def test_a_later_damaged_checkpoint_takes_no_place(tmp_path, tiny_config):
    """What a resume found damaged is not counted among the newest."""
    state = initial_state(tiny_config, (1.0,) * 4, CPU)
    for step in (1, 9, 2, 3):
        state.step = step
        save_checkpoint(tmp_path, state, config_hash(tiny_config), rule=Retention(5 if step == 9 else 2, 0))
    assert sorted(path.name[-1] for path in (tmp_path / "checkpoints").iterdir()) == ["2", "3", "9"]


def test_a_checkpoint_set_aside_without_a_successor_is_put_back(tmp_path, tiny_config):
    """A kill between the two renames of a replacement costs nothing."""
    state = initial_state(tiny_config, (1.0,) * 4, CPU)
    path = save_checkpoint(tmp_path, state, config_hash(tiny_config))
    path.rename(path.with_name(".step_00000000.former"))
    (path.parent / ".step_00000000.77").mkdir()

    remove_unfinished(tmp_path)

    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["step_00000000"]
    assert latest_checkpoint(tmp_path).step == 0
