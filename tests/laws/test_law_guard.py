"""The divergence guard's state against law GUARD-002, on any curve."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.monitor.guard.alarm import RawLosses
from neuromf.monitor.guard.guard import DivergenceGuard

pytestmark = pytest.mark.law("GUARD-002")
LEVELS = st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=60)


@given(curve=LEVELS, share=st.floats(0, 1))
def test_a_resumed_guard_says_what_an_undisturbed_one_says(curve, share):
    """Wherever a guard is saved as JSON and restored, its verdicts are those of a guard that never stopped."""
    stop = int(share * len(curve))
    whole, first, second = (DivergenceGuard(10.0, 100.0) for _ in range(3))
    undisturbed = [whole.observe(RawLosses(level)).level for level in curve]
    before = [first.observe(RawLosses(level)).level for level in curve[:stop]]
    second.load_state(json.loads(json.dumps(first.state())))
    after = [second.observe(RawLosses(level)).level for level in curve[stop:]]
    assert law("GUARD-002").predicate(verdicts=undisturbed, resumed=before + after).passed


def test_a_guard_that_forgets_its_start_breaks_the_law():
    """A guard whose initial level is lost on resume takes the exploded level for the first, which the law rejects."""
    curve = [1.0] * 10 + [1e4] * 20
    whole, forgetful = DivergenceGuard(10.0, 100.0), DivergenceGuard(10.0, 100.0)
    undisturbed = [whole.observe(RawLosses(level)).level for level in curve]
    resumed = undisturbed[:10] + [forgetful.observe(RawLosses(level)).level for level in curve[10:]]
    assert not law("GUARD-002").predicate(verdicts=undisturbed, resumed=resumed).passed
