"""Random draws are pure functions of (seed, purpose, step, sample)."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neuromf.training.batches.randomness import Purpose, data_index, generator

small = st.integers(0, 2**31)


@given(seed=small, step=small, sample=small)
def test_the_same_arguments_give_the_same_draws(seed, step, sample):
    """Nothing but the arguments decides a draw."""
    first, second = (generator(seed, Purpose.NOISE, step, sample).standard_normal(4) for _ in range(2))

    assert np.array_equal(first, second)


@given(seed=small, step=small, sample=small, which=st.sampled_from(["seed", "purpose", "step", "sample"]))
def test_any_other_argument_gives_other_draws(seed, step, sample, which):
    """Streams of neighbouring seeds, purposes, steps and samples do not overlap at their start."""
    other = {"seed": seed, "purpose": Purpose.NOISE, "step": step, "sample": sample}
    base = generator(seed, Purpose.NOISE, step, sample).standard_normal(4)
    other[which] = Purpose.TIMES if which == "purpose" else other[which] + 1

    assert not np.array_equal(base, generator(*other.values()).standard_normal(4))


@given(seed=small, turn=st.integers(0, 1000), size=st.integers(1, 40))
def test_each_turn_is_a_permutation_of_the_data(seed, turn, size):
    """Every datum is drawn once before any is drawn again."""
    drawn = [data_index(seed, turn * size + offset, size) for offset in range(size)]

    assert sorted(drawn) == list(range(size))
