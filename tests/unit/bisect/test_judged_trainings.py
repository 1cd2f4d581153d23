"""What an oracle makes of a training: its steps are given here, block by block."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from neuromf.bisect.oracle import ProbeVerdict, Task
from neuromf.bisect.oracle_kinds import answer
from neuromf.bisect.trainings import judge_records, training_latents
from neuromf.config.load import load_config
from neuromf.config.resolve import flat_config
from neuromf.errors import InputError
from neuromf.golden.case import read_case
from neuromf.golden.store import golden_table
from neuromf.monitor.guard.alarm import Level

BLOCK, TOTAL = 3, 4
OK, HALT, NONFINITE = (SimpleNamespace(level=level, message="why") for level in (Level.OK, Level.HALT, Level.NONFINITE))


def steps(ratio, verdict=OK, flow=2.0):
    """A block of steps whose raw MF loss is `ratio` times the raw FM loss; `verdict` is that of the last."""
    row = {"raw_fm": flow, "raw_mf": ratio * (flow or 1.0)}
    return [SimpleNamespace(row=row, verdict=one) for one in (OK, OK, verdict)]


@pytest.mark.parametrize(
    ("blocks", "verdict", "detail"),
    [
        ([steps(5.0), steps(30.0), steps(40.0), steps(1.0)], ProbeVerdict.BROKEN, "MF/FM loss 40 at step 9"),
        ([steps(9.0), steps(2.0), steps(1.5), steps(50.0)], ProbeVerdict.HEALTHY, "MF/FM loss 1.5 at step 9"),
        ([steps(9.0), steps(math.nan), steps(math.nan)], ProbeVerdict.BROKEN, "MF/FM loss nan at step 9"),
        ([steps(5.0)] * TOTAL, ProbeVerdict.UNDECIDED, "MF/FM loss 5 at step 12"),
        ([steps(5.0), steps(5.0)], ProbeVerdict.UNDECIDED, "no halt in 6 steps"),
        ([steps(1.0), steps(1.0, HALT)], ProbeVerdict.BROKEN, "the guard halts at step 6: why"),
        ([steps(1.0, NONFINITE)], ProbeVerdict.BROKEN, "a number is not finite at step 3: why"),
        ([steps(9.0, flow=None)] * TOTAL, ProbeVerdict.HEALTHY, "no halt in 12 steps"),
    ],
)
def test_a_training_is_judged_by_the_terms_of_its_blocks_or_by_its_halt(blocks, verdict, detail):
    """The verdict, and the number behind it with the step at which it was clear; no step is asked for after that."""
    records = iter([step for block in blocks for step in block])
    found = judge_records(records, BLOCK, TOTAL)
    assert (found.verdict, found.detail) == (verdict, detail)
    taken = sum(len(block) for block in blocks) - len(list(records))
    assert f"{taken}" in detail


def test_a_data_set_without_training_latents_is_told_with_a_remedy(monkeypatch):
    """A probe that has nothing to train on names the key and what to do, and is no verdict."""
    empty = SimpleNamespace(split=lambda name: {"train": torch.zeros(0, 4, 2, 2, 2)}[name])
    monkeypatch.setattr("neuromf.training.latents.store.training_store", lambda config: empty)
    with pytest.raises(InputError, match="training split is empty") as caught:
        training_latents(load_config(["smoke"]))
    assert (caught.value.key, caught.value.remedy) == ("data.split_ratios", "give more subjects")


def test_a_golden_oracle_trains_the_mixture_with_the_seed_of_its_case(monkeypatch):
    """Whatever the probe's seed, every other key is the mixture's, for the case's steps; its table decides."""
    case, asked = read_case("x_exact"), []
    table = golden_table(case)

    def run_steps(config, count):
        asked.append((flat_config(config), count))
        return SimpleNamespace(table=table)

    monkeypatch.setattr("neuromf.golden.runner.run_steps", run_steps)
    mixture = flat_config(case.config) | {"training.learning_rate": 0.0123}
    task = Task(oracle="golden:x_exact", config=mixture, good=mixture, seed=777, micro_batches=1)
    found = answer(task)
    assert (found.verdict, found.detail) == (ProbeVerdict.HEALTHY, f"{case.contract.steps} steps agree")
    assert asked == [(mixture | {"training.seed": case.config.training.seed}, case.contract.steps)]
