"""Two gloo ranks that both guard a loop of their own: one word for both, and the rank that parts is named."""

import pytest

from tests.support.guarded_ranks import observe_guards
from tests.support.rank_worker import run_ranks

pytestmark = pytest.mark.law("GUARD-002")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two ranks was told."""
    return run_ranks(tmp_path_factory.mktemp("guarded"), 2, observe_guards)


def test_a_loss_that_is_not_finite_on_one_rank_stops_both(ranks):
    """A rank that stops alone leaves the others waiting for its gradients."""
    assert [rank["whole"] for rank in ranks] == [False, False]
    assert [rank["broken"] for rank in ranks] == [(True, ("NUM-001",))] * 2


def test_replicas_that_part_are_told_on_both_ranks(ranks):
    """At the step after, with the rank and how many parameters differ (law BATCH-003)."""
    for rank in ranks:
        ((step, message),) = rank["parted"]
        assert step == 4
        assert "on rank 1" in message
