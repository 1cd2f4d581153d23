"""Which passes may use TF32, told by the flags that a GPU's kernels read, for a CPU has no TF32 (law PREC-001)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from neuromf.flow.jvp import exact_derivative
from neuromf.flow.number_type import computed_in, tf32
from neuromf.training.batches.source import BatchSource
from neuromf.training.device.float32_agreement import probe_points
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.tiny_run import make_tiny_config

pytestmark = pytest.mark.law("PREC-001")
CPU = torch.device("cpu")
ALLOWED, FORBIDDEN = (True, True), (False, False)


def flags() -> tuple[bool, bool]:
    """Of convolutions and of products, as cuDNN and cuBLAS read them."""
    return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32


@contextmanager
def around(allowed: bool) -> Iterator[None]:
    """Flags that somebody set before."""
    with tf32(allowed):
        yield


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(("kind", "inside"), [("fp32", FORBIDDEN), ("tf32", ALLOWED), ("bf16", FORBIDDEN)])
def test_a_block_has_its_own_number_type_and_gives_back_the_other(kind, inside, before):
    """Whatever is set around it; also where the block is left by an error."""
    with around(before):
        with computed_in(kind, "cpu"):
            assert flags() == inside
            assert torch.is_autocast_enabled("cpu") is (kind == "bf16")
        with pytest.raises(KeyError), computed_in(kind, "cpu"):
            raise KeyError
        assert flags() == (before, before)


@pytest.mark.parametrize(("precision", "inside"), [("fp32", FORBIDDEN), ("tf32", ALLOWED), ("bf16", FORBIDDEN)])
def test_an_exact_derivative_has_the_number_type_that_is_asked_for(precision, inside):
    """Also within a training whose own passes are in TF32."""
    points, seen = probe_points((2, 4, 2, 2, 2)), []

    def field(z, r_B, t_B):
        seen.append(flags())
        return z * t_B.reshape(-1, 1, 1, 1, 1)

    with around(True):
        exact_derivative(field, points.z, points.r_B, points.t_B, points.velocity, precision)
    assert set(seen) == {inside}


@pytest.mark.parametrize("derivative", ["fp32", "tf32"])
@pytest.mark.parametrize("precision", ["fp32", "tf32"])
def test_each_pass_of_a_step_has_its_own_number_type(precision, derivative):
    """The passes with and against the gradient have the training's, those for du/dt and its tangent their own."""
    overrides = f"training.precision={precision}", f"meanflow.derivative_precision={derivative}"
    config = make_tiny_config(*overrides, "time_sampling.data_proportion=0.25")
    latents = torch.randn((4, 4, 8, 8, 8), generator=torch.Generator().manual_seed(0))
    state = initial_state(config, (1.0,) * 4, CPU)
    seen: dict[str, set[tuple[bool, bool]]] = {"with": set(), "against": set(), "derivative": set()}

    def heard(module, arguments, output):
        seen["with" if torch.is_grad_enabled() else "derivative"].add(flags())
        if output.prediction.requires_grad:
            output.prediction.register_hook(lambda gradient: seen["against"].add(flags()))

    state.model.register_forward_hook(heard)
    before = flags()
    train_step(state, BatchSource(latents, config, CPU), config)
    own = ALLOWED if precision == "tf32" else FORBIDDEN
    assert seen == {"with": {own}, "against": {own}, "derivative": {ALLOWED if derivative == "tf32" else FORBIDDEN}}
    assert flags() == before


@pytest.mark.parametrize("kind", ["precision", "derivative"])
def test_tf32_is_float32_where_there_is_no_tensor_core(kind):
    """On a CPU a training in TF32 has the numbers of one in float32, bit for bit."""
    asked = {"precision": "training.precision=tf32", "derivative": "meanflow.derivative_precision=tf32"}[kind]
    latents = torch.randn((4, 4, 8, 8, 8), generator=torch.Generator().manual_seed(0))
    rows = []
    for overrides in ((), (asked,)):
        config = make_tiny_config(*overrides)
        state = initial_state(config, (1.0,) * 4, CPU)
        rows.append(train_step(state, BatchSource(latents, config, CPU), config).row)
    assert rows[0] == rows[1]
