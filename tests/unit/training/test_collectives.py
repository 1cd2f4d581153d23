"""What the ranks of a process group agree on, with three ranks as threads of this process."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch

from neuromf.errors import InputError
from neuromf.training.process_group import ranks
from neuromf.training.process_group.interruption import Interrupted
from neuromf.training.process_group.ranks import ProcessGroup, ToldError
from neuromf.training.process_group.step_exchange import exchange

SIZE = 3
# Two samples each: all bits set, none, and whatever a hash gives.
DIGESTS = ["f" * 64 + "0" * 64, *(2 * hashlib.sha256(bytes([byte])).hexdigest() for byte in range(5))]


class _Collectives:
    """What torch's collectives do, among the threads of one process."""

    ReduceOp = SimpleNamespace(MAX=lambda values: torch.stack(values).amax(0))

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.here, self.sent, self.barrier = threading.local(), [None] * SIZE, threading.Barrier(SIZE, timeout=10)

    def _gather(self, value):
        self.sent[self.here.rank] = value
        self.barrier.wait()
        gathered = list(self.sent)
        self.barrier.wait()
        return gathered

    def all_reduce(self, values, op):
        values.copy_(op(self._gather(values.clone())))

    def all_gather(self, parts, values):
        self.calls.append("all_gather")
        for part, value in zip(parts, self._gather(values.clone()), strict=True):
            part.copy_(value)

    def broadcast_object_list(self, box, src):
        box[:] = self._gather(list(box))[src]


@pytest.fixture
def collectives(monkeypatch):
    """In place of torch's."""
    made = _Collectives()
    monkeypatch.setattr(ranks, "distributed", made)
    return made


@pytest.fixture
def on_each(collectives):
    """Call a function of a rank's group on every rank; what it gave or raised, by rank."""

    def one(action, rank):
        collectives.here.rank = rank
        try:
            return action(ProcessGroup(rank, SIZE))
        except (Exception, Interrupted) as error:
            return error

    def run(action):
        with ThreadPoolExecutor(SIZE) as pool:
            return list(pool.map(lambda rank: one(action, rank), range(SIZE)))

    return run


def test_every_rank_is_told_how_many_entries_differ_from_rank_zero(on_each):
    """Of four entries none differs on rank 0, one on rank 1 and three on rank 2; a process alone has none."""
    values = torch.tensor([[1, 2, 3, 4], [1, 2, 0, 4], [0, 2, 0, 0]])
    assert [found.tolist() for found in on_each(lambda group: group.count_mismatches(values[group.rank]))] == [
        [0, 1, 3]
    ] * SIZE
    assert ProcessGroup().count_mismatches(values[0]).tolist() == [0]


def test_a_fact_that_holds_on_one_rank_is_heard_by_all(on_each):
    """What holds on the last alone holds for all; what holds on none for none."""
    assert on_each(lambda group: group.any(group.rank == SIZE - 1)) == [True] * SIZE
    assert on_each(lambda group: group.any(False)) == [False] * SIZE


def told(group, digests, samples=4, value=1.0):
    sums = {"samples": torch.tensor(value) * (group.rank + 1), "t": torch.tensor(10.0) * (group.rank + 1)}
    return exchange(group, sums, digests, samples)


def test_every_rank_has_the_same_sums_in_one_collective(on_each, collectives):
    """Three ranks with 1, 2 and 3 of one sum, 10, 20 and 30 of another have 6 and 60 each, by a single collective."""
    found = on_each(lambda group: told(group, DIGESTS[:2]))
    assert [{name: value.item() for name, value in one.totals().items()} for one in found] == [
        {"samples": 6.0, "t": 60.0}
    ] * SIZE
    assert collectives.calls == ["all_gather"] * SIZE


def test_the_rank_whose_sums_are_not_finite_is_known_to_all(on_each):
    """A NaN on rank 1 is told as rank 1's, though the sum over ranks is NaN for all."""
    found = on_each(lambda group: told(group, DIGESTS[:2], value=float("nan") if group.rank == 1 else 1.0))
    assert [list(one.finite().items()) for one in found] == [
        [("finite.0", 1.0), ("finite.1", 0.0), ("finite.2", 1.0)]
    ] * SIZE


def test_digests_come_back_in_the_order_in_which_they_were_dealt_out(on_each):
    """Every rank has all six as they were, whatever their bits; a process alone has its own."""
    found = on_each(lambda group: told(group, group.share(DIGESTS)))
    assert [one.digests() for one in found] == [DIGESTS] * SIZE
    assert told(ProcessGroup(), DIGESTS).digests() == DIGESTS


@pytest.mark.parametrize("taken", [0, 1, 3], ids=lambda taken: f"{taken} of 2")
def test_a_rank_that_took_fewer_or_more_micro_batches_is_named_on_all(on_each, taken):
    """Ranks 0 and 1 take two each, rank 2 another number: every rank says so, with both counts."""
    found = on_each(lambda group: told(group, DIGESTS[: taken if group.rank == 2 else 2]).digests())
    assert [str(error) for error in found] == [f"rank 2 took {taken} micro-batches of the step, rank 0 took 2"] * SIZE


def failing(error):
    def action():
        raise error

    return action


def test_however_an_action_ends_on_rank_zero_every_rank_hears_of_it(on_each):
    """Rank 0 alone acts: its result, its refusal with every part, its signal, and the name of any other error."""
    acted = []
    assert on_each(lambda group: group.run_on_rank_zero(lambda: acted.append(group.rank) or 7)) == [7] * SIZE
    assert acted == [0]

    refusal = InputError("no disk", remedy="buy one", file="a", key="k")
    told = on_each(lambda group: group.run_on_rank_zero(failing(refusal)))
    assert {type(error) for error in told} == {ToldError}
    assert [(error.problem, error.remedy, error.file, error.key) for error in told] == [
        (refusal.problem, refusal.remedy, refusal.file, refusal.key)
    ] * SIZE

    stopped = on_each(lambda group: group.run_on_rank_zero(failing(Interrupted("SIGTERM"))))
    assert [(type(error), error.name) for error in stopped] == [(Interrupted, "SIGTERM")] * SIZE

    first, *others = on_each(lambda group: group.run_on_rank_zero(failing(KeyError("x"))))
    assert isinstance(first, KeyError)
    assert [(type(error), str(error)) for error in others] == [(RuntimeError, "rank 0 met KeyError: 'x'")] * 2
