"""The trainer's path against law PATH-001."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.flow.path import conditional_velocity, interpolate
from tests.support.law_strategies import LATENT, SEEDS

pytestmark = pytest.mark.law("PATH-001")
DTYPES = {torch.float32: np.finfo(np.float32).eps, torch.float64: np.finfo(np.float64).eps}


def ends(seed, dtype):
    x, e = np.random.default_rng(seed).standard_normal((2, 3, *LATENT))
    return torch.from_numpy(x).to(dtype), torch.from_numpy(e).to(dtype)


def judge(error, x, e, points=1):
    magnitude = points * float((x.abs() + e.abs()).max())
    return law("PATH-001").predicate(error=float(error), magnitude=magnitude, epsilon=float(DTYPES[x.dtype]))


@given(seed=SEEDS, dtype=st.sampled_from(list(DTYPES)))
def test_path_starts_at_the_data_and_ends_at_the_noise(seed, dtype):
    """z_0 is x and z_1 is e."""
    x, e = ends(seed, dtype)
    times = torch.zeros(3, dtype=dtype)
    assert judge((interpolate(x, e, times) - x).abs().max(), x, e).passed
    assert judge((interpolate(x, e, times + 1) - e).abs().max(), x, e).passed


@given(seed=SEEDS, dtype=st.sampled_from(list(DTYPES)), pair=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_displacement_is_time_times_conditional_velocity(seed, dtype, pair):
    """Between any two times the path moves by their difference times e - x."""
    x, e = ends(seed, dtype)
    first, last = (torch.full((3,), time, dtype=dtype) for time in pair)
    moved = interpolate(x, e, last) - interpolate(x, e, first)
    expected = (last - first).reshape(-1, 1, 1, 1, 1) * conditional_velocity(x, e)
    assert judge((moved - expected).abs().max(), x, e, points=2).passed


@given(seed=SEEDS)
def test_reversed_path_breaks_the_law(seed):
    """A path that starts at the noise is rejected."""
    x, e = ends(seed, torch.float64)
    assert not judge((interpolate(e, x, torch.zeros(3, dtype=torch.float64)) - x).abs().max(), x, e).passed
