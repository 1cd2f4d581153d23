"""What a checkpoint of real size costs a training: the copy in memory, where it was the disk."""

import pytest
import torch

from tools.performance.checkpoint_cost import checkpoint_cost

pytestmark = pytest.mark.bench
CPU = torch.device("cpu")
COMMAND = "nox -s bench -- --store"


def test_a_checkpoint_of_real_size_costs_a_copy(tmp_path, measured):
    """A state of 2.5 GB: the step waits for less than half of what writing it takes."""
    measured(checkpoint_cost(tmp_path, 625_000_000), CPU, COMMAND)
