"""What the ranks of a process group agree on, with three ranks as threads of this process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch

from neuromf.errors import InputError
from neuromf.training.process_group import ranks
from neuromf.training.process_group.interruption import Interrupted
from neuromf.training.process_group.ranks import ProcessGroup, ToldError

SIZE = 3


class _Collectives:
    """What torch's collectives do, among the threads of one process."""

    ReduceOp = SimpleNamespace(SUM=sum, MAX=lambda values: torch.stack(values).amax(0))

    def __init__(self) -> None:
        self.here, self.sent, self.barrier = threading.local(), [None] * SIZE, threading.Barrier(SIZE, timeout=10)

    def _gather(self, value):
        self.sent[self.here.rank] = value
        self.barrier.wait()
        gathered = list(self.sent)
        self.barrier.wait()
        return gathered

    def all_reduce(self, values, op=sum):
        values.copy_(op(self._gather(values.clone())))

    def broadcast(self, values, src):
        values.copy_(self._gather(values.clone())[src])

    def all_gather(self, parts, values):
        for part, value in zip(parts, self._gather(values.clone()), strict=True):
            part.copy_(value)

    def all_gather_object(self, parts, items):
        parts[:] = self._gather(items)

    def broadcast_object_list(self, box, src):
        box[:] = self._gather(list(box))[src]


@pytest.fixture
def on_each(monkeypatch):
    """Call a function of a rank's group on every rank; what it gave or raised, by rank."""
    collectives = _Collectives()
    monkeypatch.setattr(ranks, "distributed", collectives)

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


def test_every_rank_has_the_sum_and_hears_of_what_one_of_them_met(on_each):
    """Sums over ranks are the same on each, and a fact that holds on the last alone holds for all."""
    totals = on_each(lambda group: group.total(torch.tensor([1.0, 10.0]) * (group.rank + 1)))
    assert [total.tolist() for total in totals] == [[6.0, 60.0]] * SIZE
    assert on_each(lambda group: group.any(group.rank == SIZE - 1)) == [True] * SIZE
    assert on_each(lambda group: group.any(False)) == [False] * SIZE


def test_what_was_dealt_out_is_collected_in_its_order(on_each):
    """Every rank has the whole list as it was; a rank that took fewer is named on all, with both counts."""
    items = list(range(6))
    assert on_each(lambda group: group.collect(group.share(items))) == [items] * SIZE
    short = on_each(lambda group: group.collect(group.share(items)[: 1 if group.rank == 2 else 2]))
    assert [str(error) for error in short] == ["rank 2 took 1 micro-batches of the step, rank 0 took 2"] * SIZE


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
