"""Every law with a runtime enforcer at its bound: what lies within is left alone, what lies beyond is told."""

import pytest
from neuromf_spec.registry import Enforcer, laws

from tests.support.edges import EDGES
from tests.support.told_laws import assert_told

RUNTIME = {law.id for law in laws().values() if Enforcer.RUNTIME in law.enforcers}


def test_every_law_that_a_run_enforces_is_tried_at_its_bound():
    """A law whose runtime enforcer has no pair of numbers about its bound fails this test."""
    assert {edge.law for edge in EDGES} == RUNTIME


@pytest.mark.parametrize(
    "edge",
    [pytest.param(e, id=f"{e.law}, {e.what}", marks=[pytest.mark.law(law) for law in sorted({e.law, *e.beside})])
     for e in EDGES],
)  # fmt: skip
def test_a_live_reading_holds_up_to_its_bound_and_not_beyond(edge, request):
    """Within the bound no law speaks; beyond it the law speaks, and only those that read the same number beside it."""
    for value in edge.inside:
        assert_told(request, edge.laws_broken(value), set(), value)
    for value in edge.outside:
        assert_told(request, edge.laws_broken(value), {edge.law, *edge.beside}, value)
