"""Two gloo ranks of which one parts from the other: told by its law, with the rank, within the steps the law states."""

import pytest
from neuromf_spec.laws.silent_faults import EVERY_STEPS, judged_step
from neuromf_spec.registry import law

from tests.support.parted_ranks import CULPRIT, PARTED_AT, UNSEEN_AT, observe_parting
from tests.support.rank_worker import run_ranks

pytestmark = pytest.mark.law("BATCH-003")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two ranks was told."""
    return run_ranks(tmp_path_factory.mktemp("parted"), 2, observe_parting)


def only_event(rank, fault):
    """The one event of a fault: a law is told once."""
    (event,) = rank[fault]
    assert event["bound"] == "0 on every rank"
    return event


def test_replicas_that_stay_together_are_told_nothing(ranks):
    """Three steps of two undisturbed ranks raise no alarm."""
    assert [rank["healthy"] for rank in ranks] == [[], []]


def test_one_ulp_of_one_parameter_is_told_in_its_step_with_the_rank(ranks):
    """A single entry of a single parameter, off by the last bit on rank 1, is told on both ranks at once."""
    for rank in ranks:
        event = only_event(rank, "ulp")
        assert (event["step"], event["level"]) == (PARTED_AT, "warn")
        assert event["value"] == f"1 on rank {CULPRIT} other parameters"
    assert not law("BATCH-003").predicate(differing=(0, 1)).passed


def test_a_replica_that_parts_between_judged_steps_is_told_at_the_next(ranks):
    """Parted at the worst step, it is told at the fiftieth, which is what the law states."""
    assert not judged_step(UNSEEN_AT)
    for rank in ranks:
        event = only_event(rank, "late")
        assert event["step"] == EVERY_STEPS
        assert event["value"].startswith(f"1 on rank {CULPRIT}")


def test_ranks_that_never_exchange_gradients_are_told_at_the_first_step(ranks):
    """With every backward pass past the wrapper, each rank follows its own samples."""
    for rank in ranks:
        event = only_event(rank, "no exchange")
        assert event["step"] == 0
        assert f"on rank {CULPRIT}" in event["value"]


def test_a_rank_that_skips_a_micro_batch_stops_both_and_is_named(ranks):
    """Its replica stays equal, for the exchange still averages; the counts of micro-batches tell."""
    assert [rank["skipped"] for rank in ranks] == ["rank 1 took 1 micro-batches of the step, rank 0 took 2"] * 2
