"""The plan of a run at real size, and of a gate's page."""

from __future__ import annotations

from neuromf.config import load_config
from neuromf.plan.estimate import plan
from neuromf.plan.gpus import GPUS


def test_the_network_of_the_recipe_has_its_known_size():
    """`recommended`: 166.7 million parameters, a checkpoint of 2.5 GB, about 20 GiB for a micro-batch of eight."""
    found = plan(load_config(["recommended"], ["training.batch_size_per_gpu=8"]), GPUS["a100-80"])
    assert found.parameters == 166_684_420
    assert 2.4 < found.checkpoint_gib < 2.6
    assert 20 < found.peak_gib < 25
    assert found.largest_micro_batch > 8
