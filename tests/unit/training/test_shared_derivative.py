"""Micro-batches of one step take their derivative together, as many MF samples at a time as a micro-batch may hold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuromf.config.flow_settings import objective_settings
from neuromf.flow.mf_derivative import mf_derivatives
from neuromf.flow.times import fm_mask
from neuromf.monitor.checks.probes import randomised_copy
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.backward import sharing_a_derivative
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
LATENTS = torch.randn((5, 4, 8, 8, 8), generator=torch.Generator().manual_seed(0))


def mf_samples(config, step, start, size):
    first = step * config.training.batch_size_per_gpu * config.training.gradient_accumulation_steps
    return int((~fm_mask(first + start, size, config.time_sampling.data_proportion)).sum())


@given(
    share=st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.9, 1.0]), size=st.integers(1, 9), count=st.integers(1, 8),
    step=st.integers(0, 5),
)  # fmt: skip
def test_a_pass_holds_as_many_mf_samples_as_fit(share, size, count, step):
    """No pass has more than a micro-batch may hold, none could take in the next one, and the order stays."""
    config = make_tiny_config(
        f"time_sampling.data_proportion={share}", f"training.batch_size_per_gpu={size}",
        f"training.gradient_accumulation_steps={count}",
    )  # fmt: skip
    shares = [(index * size, size) for index in range(count)]
    groups = sharing_a_derivative(shares, config, step)
    assert [one for group in groups for one in group] == shares
    held = [[mf_samples(config, step, *one) for one in group] for group in groups]
    assert all(sum(group) <= size for group in held)
    assert all(sum(before) + after[0] > size for before, after in pairwise(held))


@pytest.mark.law("BATCH-002")
@pytest.mark.parametrize("tangent", ["conditional", "model", "v_head"])
@pytest.mark.parametrize("method", ["exact", "finite_difference"])
def test_a_derivative_that_is_shared_is_the_one_that_each_has_alone(method, tangent):
    """Row by row, tangent, u and du/dt, to the rounding of float32; a batch without MF samples has none."""
    difference = ["meanflow.fd_step=0.01"] if method == "finite_difference" else []
    config = make_tiny_config(
        f"meanflow.jvp={method}", f"meanflow.tangent={tangent}", *difference, "time_sampling.data_proportion=0.8",
        "training.batch_size_per_gpu=3",
    )  # fmt: skip
    net = randomised_copy(initial_state(config, (1.0,) * 4, CPU).model, 0)
    source, settings = BatchSource(LATENTS, config, CPU), objective_settings(config.meanflow)
    batches = [source.draw(0, start, 3) for start in (0, 3, 6)]
    assert [int((b.r_B < b.t_B).sum()) for b in batches] == [1, 1, 0]
    for batch, shared in zip(batches, mf_derivatives(net, batches, settings), strict=True):
        (alone,) = mf_derivatives(net, [batch], settings)
        assert torch.equal(shared.rows, alone.rows)
        for one, other in ((shared.tangent, alone.tangent), (shared.derivative.u, alone.derivative.u),
                           (shared.derivative.dudt, alone.derivative.dudt)):  # fmt: skip
            # Kernels for one sample add up in another order: measured 3e-6, and by a difference over its step 8e-5.
            assert not len(one) or (one - other).norm() <= (1e-3 if difference else 1e-5) * other.norm()


def test_a_step_takes_no_more_derivatives_than_it_needs():
    """Four micro-batches of four samples, one of each an MF sample: one pass for the four, where each had its own."""
    config = make_tiny_config("training.gradient_accumulation_steps=4", "time_sampling.data_proportion=0.75")
    state, sizes = initial_state(config, (1.0,) * 4, CPU), []

    def heard(module, arguments, output):
        sizes.append((len(arguments[0]), torch.is_grad_enabled()))

    state.model.register_forward_hook(heard)
    train_step(state, BatchSource(LATENTS, config, CPU), config)
    assert [size for size, gradient in sizes if not gradient] == [4] * (2 if config.meanflow.tangent == "model" else 1)
    assert [size for size, gradient in sizes if gradient] == [4] * 4


@pytest.mark.law("BATCH-002")
def test_steps_that_share_have_the_numbers_of_steps_that_do_not(monkeypatch):
    """The row of a fourth step, when the network is no longer zero, whether micro-batches share a pass or not."""
    config = make_tiny_config("training.gradient_accumulation_steps=4", "time_sampling.data_proportion=0.75")
    rows = []
    for share in (sharing_a_derivative, lambda shares, config, step: [[one] for one in shares]):
        monkeypatch.setattr("neuromf.training.step.backward.sharing_a_derivative", share)
        state, source = initial_state(config, (1.0,) * 4, CPU), BatchSource(LATENTS, config, CPU)
        rows.append([train_step(state, source, config).row for _ in range(4)][-1])
    assert rows[0]["batch_hash"] == rows[1]["batch_hash"]
    shared, alone = (np.array([value for value in row.values() if isinstance(value, float)]) for row in rows)
    np.testing.assert_allclose(
        shared, alone, rtol=1e-5
    )  # two orders of adding up float32, four steps on: measured 8e-7
    assert rows[0]["dudt_rms"] > 0
