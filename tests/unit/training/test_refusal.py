"""A training that torch could not run ends before anything is computed."""

from __future__ import annotations

import pytest
import torch
from torch import distributed, nn

from neuromf.errors import InputError
from neuromf.training.loop import train
from neuromf.training.process_group.ranks import ProcessGroup, replicate
from neuromf.training.process_group.start import init_process_group
from neuromf.training.records.run_folder import create_run
from neuromf.training.validation import refuse_uneven
from tests.support.tiny_run import make_tiny_config


@pytest.mark.law("JVP-004")
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


@pytest.mark.parametrize("key", ["training.fsdp", "training.sharding_strategy", "training.use_deepspeed"])
def test_sharding_is_refused_with_its_reason(key):
    """Whoever asks for FSDP is told why there is none, and what there is."""
    with pytest.raises(InputError, match=r"need each rank's weights whole.*DDP") as caught:
        make_tiny_config(f"{key}=true")
    assert caught.value.key == key


def test_a_sharded_module_is_not_replicated(tmp_path):
    """A model that somebody sharded is refused before it is trained on a part of its weights."""
    from torch.distributed.fsdp import fully_shard

    store = distributed.FileStore(str(tmp_path / "store"), 1)
    with init_process_group("gloo", store=store, rank=0, world_size=1):
        module = fully_shard(nn.Linear(2, 2))
        with pytest.raises(InputError, match="sharded weights"):
            replicate(module, ProcessGroup(), static_graph=False)


def test_processes_that_cannot_share_a_step_are_refused():
    """Four micro-batches for three processes: both counts are named."""
    config = make_tiny_config("training.gpus=2")
    with pytest.raises(InputError, match=r"4 micro-batches.*3 processes"):
        refuse_uneven(config, ProcessGroup(0, 3))
    refuse_uneven(config, ProcessGroup(0, 4))
