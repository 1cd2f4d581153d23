"""A training that starts from another run's best checkpoint by validation, or from its newest by name."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from neuromf.errors import InputError
from neuromf.training import initial_weights
from neuromf.training.checkpoints.checkpoint import read_checkpoint, snapshot, write_checkpoint
from neuromf.training.checkpoints.restore import load_average
from neuromf.training.initial_weights import check_start, find_start, start_from, tensor_hash
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from neuromf.training.step.state import initial_state
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
ONES = (1.0,) * 4


@pytest.fixture(scope="module")
def trained(tmp_path_factory, real_latents):
    """A run of four steps with a checkpoint after each second, the best of which is that of step 2."""
    config = make_tiny_config("training.keep_last_checkpoints=9")
    run = create_run(tmp_path_factory.mktemp("former") / "run", config, "")
    train(config, real_latents, run, device=CPU, max_steps=4)
    shutil.copytree(run.root / "checkpoints/step_00000002", run.root / "checkpoints/best")
    return run.root


@pytest.fixture
def former(trained, tmp_path):
    """A copy of that run, to be changed."""
    return shutil.copytree(trained, tmp_path / "former")


def starting(former, name):
    """A configuration that starts from that run's checkpoint of a name."""
    return make_tiny_config(f'training.init_from="{former}@{name}"')


def begun(config, run):
    """The state of a run before its first step."""
    state = initial_state(config, ONES, CPU)
    start_from(state, run, config)
    return state


def put_another_best(former):
    """What the other run does when a later validation is better."""
    state = initial_state(make_tiny_config("training.seed=5"), ONES, CPU)
    state.step = 3
    write_checkpoint(former, snapshot(state, "", won_by=("val_total", 0.1)))


def average_at(former, name):
    """Hash of a checkpoint's averaged weights."""
    net = initial_state(make_tiny_config(), ONES, CPU).model
    load_average(former / "checkpoints" / name, net)
    return tensor_hash(net.state_dict())


@pytest.mark.law("CKPT-002")
@pytest.mark.parametrize(("name", "step"), [("best", 2), ("latest", 4)])
def test_a_named_checkpoint_is_recorded_by_its_step(former, tmp_path, name, step):
    """The record has the step, not the name; the network has that step's averaged weights."""
    config = starting(former, name)
    run = create_run(tmp_path / "new", config, "")
    state = begun(config, run)
    expected = average_at(former, f"step_{step:08d}")
    assert tensor_hash(state.model.state_dict()) == expected
    recorded = json.loads(run.start.read_text())
    assert recorded == {"run": str(former), "step": step, "weights": "average", "sha256": expected}


@pytest.mark.law("CKPT-002")
def test_a_recorded_best_stays_when_a_better_one_comes(former, tmp_path):
    """A resume before the first checkpoint takes the step that was recorded."""
    config = starting(former, "best")
    run = create_run(tmp_path / "new", config, "")
    first = begun(config, run).model.state_dict()
    put_another_best(former)
    assert find_start(config).step == 3
    assert tensor_hash(begun(config, run).model.state_dict()) == tensor_hash(first)
    assert json.loads(run.start.read_text())["step"] == 2


def test_a_best_whose_step_was_deleted_is_a_start(former, tmp_path):
    """The best outlives the checkpoint of its step; once it moves too, the recorded weights are nowhere."""
    shutil.rmtree(former / "checkpoints/step_00000002")
    config = starting(former, "best")
    run = create_run(tmp_path / "new", config, "")
    check_start(config)
    expected = average_at(former, "best")
    assert tensor_hash(begun(config, run).model.state_dict()) == expected
    put_another_best(former)
    with pytest.raises(InputError, match="other weights than those that were recorded"):
        begun(config, run)


def test_a_run_without_a_best_is_told_by_the_key(former):
    """With what makes one."""
    shutil.rmtree(former / "checkpoints/best")
    with pytest.raises(InputError, match="holds no best checkpoint") as caught:
        check_start(starting(former, "best"))
    assert (caught.value.key, "validate_every_epochs" in caught.value.remedy) == ("training.init_from", True)


def test_a_best_that_is_replaced_while_read_is_told(former, monkeypatch):
    """Else step and weights would be of two checkpoints."""
    config = starting(former, "best")
    earlier = read_checkpoint(former / "checkpoints/best")
    answers = [replace(earlier, state={**earlier.state, "step": 1}), earlier]
    monkeypatch.setattr(initial_weights, "named_checkpoint", lambda *_, **__: answers.pop(0))
    with pytest.raises(InputError, match="replaced by a better one while it was read"):
        find_start(config)


def test_a_validated_run_gives_its_best(tmp_path, real_latents):
    """One that trained and validated itself, at the step that its checkpoint says."""
    config = make_tiny_config("training.validate_every_epochs=1", "training.keep_last_checkpoints=9")
    run = create_run(tmp_path / "run", config, "")
    train(config, real_latents, run, device=CPU, validation=real_latents)
    assert find_start(starting(run.root, "best")).step == read_checkpoint(run.root / "checkpoints/best").step
