"""Checkpoints: whole or absent, checked when read."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file

from neuromf.config import config_hash
from neuromf.errors import InputError
from neuromf.training.checkpoints.checkpoint import FILES, latest_checkpoint, read_checkpoint, save_checkpoint, sealed
from neuromf.training.checkpoints.folders import DEFAULT, STATE
from neuromf.training.checkpoints.restore import restore
from neuromf.training.step.state import initial_state

CPU = torch.device("cpu")


@pytest.fixture
def state(tiny_config):
    return initial_state(tiny_config, (1.0,) * 4, CPU)


def test_only_the_newest_checkpoints_are_kept(tmp_path, tiny_config, state):
    """Old checkpoints make room; no staging folder stays behind."""
    for step in (1, 2, 10, 11):
        state.step = step
        save_checkpoint(tmp_path, state, config_hash(tiny_config))

    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["step_00000010", "step_00000011"]
    assert DEFAULT.last == 2


def test_an_interrupted_write_is_not_a_checkpoint(tmp_path, tiny_config, state):
    """A staging folder that a kill left behind is never resumed from."""
    path = save_checkpoint(tmp_path, state, config_hash(tiny_config))
    path.rename(path.parent / ".step_00000000.123")

    assert latest_checkpoint(tmp_path) is None


@pytest.mark.law("CKPT-001")
@pytest.mark.parametrize("damage", ["missing", "truncated", "state", "format", "key"])
def test_a_damaged_checkpoint_is_refused_with_its_path(tmp_path, tiny_config, state, damage):
    """Missing, shortened or foreign files end in one sentence."""
    path = save_checkpoint(tmp_path, state, config_hash(tiny_config))
    if damage == "missing":
        (path / "ema.safetensors").unlink()
    elif damage == "truncated":
        (path / "ema.safetensors").write_bytes((path / "ema.safetensors").read_bytes()[:100])
    elif damage == "key":
        document = json.loads((path / "state.json").read_text())
        del document["guard"]
        (path / "state.json").write_text(json.dumps(document))
    elif damage == "state":
        (path / "state.json").write_text("{")
    else:
        document = json.loads((path / "state.json").read_text())
        (path / "state.json").write_text(json.dumps(document | {"format": 99}))

    with pytest.raises(InputError) as caught:
        read_checkpoint(path)

    assert str(path) in caught.value.sentence


@pytest.mark.law("CKPT-001")
def test_a_checkpoint_of_another_configuration_is_refused(tmp_path, state):
    """Restoring checks the configuration's hash."""
    path = save_checkpoint(tmp_path, state, "0" * 64)

    with pytest.raises(InputError, match="another configuration"):
        restore(state, read_checkpoint(path), "1" * 64)


def test_a_stray_folder_costs_no_checkpoint(tmp_path, tiny_config, state):
    """Only folders named as checkpoints are counted and pruned."""
    (tmp_path / "checkpoints" / "step_zzz").mkdir(parents=True)
    (tmp_path / "checkpoints" / "step_99999999").write_text("a file")
    for step in (1, 2, 3):
        state.step = step
        save_checkpoint(tmp_path, state, config_hash(tiny_config))

    assert latest_checkpoint(tmp_path).step == 3
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == [
        "step_00000002",
        "step_00000003",
        "step_99999999",
        "step_zzz",
    ]


@pytest.mark.law("CKPT-001")
@pytest.mark.parametrize("file", FILES)
def test_tensors_of_another_model_are_refused(tmp_path, tiny_config, state, file):
    """A file whose hash was rewritten to match is still not this model's."""
    path = save_checkpoint(tmp_path, state, config_hash(tiny_config))
    save_file({"foreign": torch.zeros(2)}, path / file)
    document = json.loads((path / "state.json").read_text())
    document["sha256"][file] = hashlib.sha256((path / file).read_bytes()).hexdigest()
    (path / STATE).write_text(json.dumps(sealed(document)))

    with pytest.raises(InputError, match="another model"):
        restore(state, read_checkpoint(path), config_hash(tiny_config))
