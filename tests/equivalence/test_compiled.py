"""A compiled pass with gradient against the eager one."""

import pytest
import torch

from neuromf.training.step.loss_module import LossModule
from neuromf.training.step.optimiser import gradients
from neuromf.training.step.state import initial_state
from tests.support.law_strategies import draw_batch, in_type, randomised_unet, relative_error, settings_for
from tests.support.tiny_run import make_tiny_config

# Traced and differentiated ahead of time, without code of its own: what is left of the compiler on any machine.
BACKEND = "aot_eager"
# The trace may sum in another order; measured 0 here, and 9e-7 with inductor, a compiler of its own.
TOLERANCE = 2e-6


def single(batch):
    return in_type(batch, torch.float32)


@pytest.mark.law("JVP-001")
@pytest.mark.parametrize("terms", ["single", "dual"])
def test_compiled_and_eager_steps_are_the_same(terms):
    """Derivative, loss and gradients of three batches, each with another number of MF samples, agree."""
    torch.compiler.reset()
    settings = settings_for(loss_terms=terms)
    batches = [
        single(draw_batch(seed, 4, fm=fm, t_min=0.2, shape=(4, 4, 4, 4)))
        for seed, fm in enumerate(("some", "no", "all"))
    ]
    results = []
    for compiler in (None, BACKEND):
        net = randomised_unet(0)
        module = LossModule(net, settings, None, compiler=compiler)
        found = []
        for batch in batches:
            net.zero_grad(set_to_none=True)
            loss = module(batch)
            loss.weighted_B.sum().backward()
            flat = torch.cat([gradient.flatten() for gradient in gradients(net.parameters())])
            found.append((loss.objective.derivative.dudt, loss.weighted_B.detach(), flat))
        results.append(found)
    for eager, compiled in zip(*results, strict=True):
        assert torch.equal(compiled[0], eager[0])
        for actual, expected in zip(compiled[1:], eager[1:], strict=True):
            assert relative_error(actual, expected) < TOLERANCE


def test_a_compiled_run_has_the_parameters_of_an_eager_one():
    """Compiling adds no parameter to what is synchronised, averaged and saved."""
    states = [
        initial_state(make_tiny_config(*on), (1.0,) * 4, torch.device("cpu")) for on in ((), ("training.compile=true",))
    ]
    names = [[name for name, _ in state.net.named_parameters()] for state in states]
    assert names[0] == names[1]
