"""What becomes of the averaged weights."""

import torch
from torch import nn

from neuromf.training.step.ema import Ema


def test_a_model_is_given_the_averaged_weights():
    """After an update, copying the average into another model gives it the average, not the present weights."""
    model, other = nn.Linear(2, 1), nn.Linear(2, 1)
    ema = Ema(model, 0.5)
    start = model.weight.detach().clone()
    with torch.no_grad():
        model.weight += 1.0
    ema.update(model)
    ema.copy_to(other)
    torch.testing.assert_close(other.weight.detach(), start + 0.5, rtol=1e-6, atol=1e-6)
    assert torch.equal(other.bias, model.bias)
