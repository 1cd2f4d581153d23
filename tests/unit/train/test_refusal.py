"""A training that torch could not run ends before anything is computed."""

from __future__ import annotations

import pytest
import torch
from tiny_run import make_tiny_config

from neuromf.errors import InputError
from neuromf.train.loop import train
from neuromf.train.run_folder import create_run


@pytest.mark.parametrize(
    "override",
    ["training.activation_checkpointing=reentrant", "training.ddp_static_graph=true"],
)
def test_the_loop_refuses_an_impossible_pair(tmp_path, override):
    """The loop itself names the key in one sentence, before the first step is recorded."""
    config = make_tiny_config(override)
    run = create_run(tmp_path / "run", config, "")

    with pytest.raises(InputError) as caught:
        train(config, torch.zeros(3, 4, 8, 8, 8), run, device=torch.device("cpu"))

    assert caught.value.key == override.partition("=")[0]
    assert not run.trace.exists()
