"""What recording a step asks of the device: nothing to wait for in a micro-batch, no second set of weights."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from neuromf.config.flow_settings import objective_settings
from neuromf.flow.batch import Batch
from neuromf.training.batches.source import BatchSource
from neuromf.training.batches.stream import Feed
from neuromf.training.step import metrics, optimiser
from neuromf.training.step.ema import Ema, distances
from neuromf.training.step.optimiser import norms_of
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
WAITS = ("aten.nonzero", "aten._local_scalar_dense", "aten.is_nonzero", "aten.masked_select")
"""Operations that read a number of the device, whose shape or value the host needs before it goes on."""


class Waits(TorchDispatchMode):
    """Notes every operation for which a GPU would have to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Look at one operation, and do it."""
        name = str(func)
        masks = [i for i in (args[1] if name.startswith("aten.index.") else []) if i is not None]
        if name.startswith(WAITS) or any(mask.dtype in (torch.bool, torch.uint8) for mask in masks):
            self.found.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("tangent", ["conditional", "model"])
@pytest.mark.parametrize("terms", ["single", "dual"])
def test_a_micro_batch_waits_for_nothing(real_latents, tangent, terms):
    """Loss, gradient and the sums that are recorded of it are asked for without reading a number back."""
    config = make_tiny_config(f"meanflow.tangent={tangent}", f"meanflow.loss_terms={terms}")
    state, source = initial_state(config, (1.0,) * 4, CPU), BatchSource(real_latents, config, CPU)
    batch = source.draw(0, *source.micro_batches()[0])
    assert 0 < len(batch.mf_rows) < len(batch.t_B)
    with Waits() as waits:
        loss = state.net(batch)
        loss.weighted_B.sum().backward()
        metrics.measure(loss.objective, batch, objective_settings(config.meanflow))
    assert waits.found == []


@pytest.mark.law("OBS-001")
def test_who_draws_the_times_says_which_samples_are_meanflow(tiny_config, real_latents):
    """By places, whether the batch was drawn here or by a worker; the sums are those of a batch that is silent."""
    source = BatchSource(real_latents, tiny_config, CPU)
    key = (0, *source.micro_batches()[0])
    here = source.draw(*key)
    parts = (here.x, here.e, here.r_B, here.t_B, here.digest, None, None)
    ahead = Feed(iter([parts]), iter([key]), CPU).take(key)
    for batch in (here, ahead):
        assert batch.mf_rows.tolist() == [i for i, (r, t) in enumerate(zip(batch.r_B, batch.t_B, strict=True)) if r < t]
    state, settings = initial_state(tiny_config, (1.0,) * 4, CPU), objective_settings(tiny_config.meanflow)
    silent = Batch(here.x, here.e, here.r_B, here.t_B)
    found = [metrics.measure(state.net(batch).objective, batch, settings) for batch in (here, silent)]
    assert found[0] == found[1]


@pytest.mark.parametrize("at_a_time", [1, 7, 1 << 22])
def test_distances_are_those_of_all_tensors_at_once(monkeypatch, at_a_time):
    """To the bit, however many are taken together."""
    monkeypatch.setattr(optimiser, "AT_A_TIME", at_a_time)
    generator = torch.Generator().manual_seed(0)
    first, second = ([torch.randn(n, generator=generator) for n in (3, 1, 5, 40, 2)] for _ in range(2))
    expected = torch._foreach_norm(torch._foreach_sub(first, second))
    assert [norm.item() for norm in distances(first, second)] == [norm.item() for norm in expected]


def test_the_distance_of_the_average_makes_no_second_set_of_weights(monkeypatch):
    """Of forty tensors two are in memory as differences at a time."""
    model = torch.nn.ParameterList([torch.nn.Parameter(torch.ones(100)) for _ in range(40)])
    average, made = Ema(model, 0.5), []
    monkeypatch.setattr(optimiser, "AT_A_TIME", 200)
    real = torch._foreach_sub
    monkeypatch.setattr(torch, "_foreach_sub", lambda a, b: made.append(len(a)) or real(a, b))
    present = [weight.detach() for weight in model.parameters()]
    average.gap(present, norms_of(present))
    assert made == [2] * 20


def test_the_weights_before_a_step_are_kept_in_the_same_memory(tiny_config, real_latents):
    """Step after step; what stands there afterwards is how far each weight went, with the sign turned."""
    state, source = initial_state(tiny_config, (1.0,) * 4, CPU), BatchSource(real_latents, tiny_config, CPU)
    places = []
    for _ in range(3):
        before = [parameter.detach().clone() for parameter in state.model.parameters()]
        train_step(state, source, tiny_config)
        places.append([tensor.data_ptr() for tensor in state.former])
        for tensor, then, now in zip(state.former, before, state.model.parameters(), strict=True):
            assert torch.equal(tensor, then - now)
    assert all(one == other for one, other in itertools.pairwise(places))
