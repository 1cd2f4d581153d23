"""Gradient norms by block as evidence: what an imbalance says early, late, and of which cause."""

import json
import math

import pytest

from neuromf.config import load_config
from neuromf.diagnosis.diagnosis import diagnose
from neuromf.diagnosis.symptoms.blocks import LOST, SETTLED_RATE, STARVED, BlockNorms, applied_rate, block_signs
from neuromf.errors import InputError
from neuromf.monitor.checks.trace_summary import epoch_rows
from neuromf.replay.diagnosis import recorded_blocks
from neuromf.replay.recorded import RUNS
from neuromf.training.records.summary import latest_blocks, read_summary

FAILED = load_config(["failed_225"])
LOST_RUN = epoch_rows(FAILED, RUNS["failed_225"].records)
RATE = 1e-3
CONFIG = load_config(["smoke"], [f"training.learning_rate={RATE}", "training.warmup_steps=0"])
STUCK = epoch_rows(CONFIG, [{"epoch": epoch, "raw_fm": 5.9, "raw_mf": 5.9, "raw_total": 5.9} for epoch in range(40)])
"""A run that stays at the loss of predicting nothing, by epoch: its rows tell of no update."""
LAST = 319
LOW, HIGH, HELD = (
    "a learning rate that is too low, or still warming up",
    "a learning rate that is too high",
    "what the optimiser holds and moves",
)


def blocks(ratio, step=LAST, **more):
    """Norms of which the output's is `ratio` times the largest of three others."""
    return BlockNorms(step, {"conv_in": 0.5, "middle_block": 1.0, "up_block_0": 0.2, "out": ratio, **more})


def signs(found, config=CONFIG, *, long_enough=True):
    return dict(block_signs(config, found, long_enough))


def suspects(found, config=CONFIG, rows=STUCK):
    return {suspect.name: suspect for suspect in diagnose(config, rows, [], found)}


def test_the_lost_runs_imbalance_is_shown_and_counts_for_nothing():
    """1.398 over 1.28e-6 in step 29 is what a zero-initialised output leaves: it moves no score of the diagnosis."""
    without, told = suspects(None, FAILED, LOST_RUN), suspects(recorded_blocks(RUNS["failed_225"]), FAILED, LOST_RUN)

    first = next(iter(told.values()))
    assert first.law == "JVP-003"
    assert any("at step 29" in n and "1,090,000 times that of middle_block" in n for n in first.neither)
    assert {name: s.score for name, s in told.items()} == {name: s.score for name, s in without.items()}
    assert all(suspect.neither == () for suspect in without.values())


def test_an_imbalance_that_persists_speaks_for_a_rate_that_is_too_low():
    """Late in the run and after a small sum of rates, `out` at 60 times the rest raises that cause and no other."""
    config = load_config(["smoke"], ["training.learning_rate=1.0e-06", "training.warmup_steps=0"])
    without, told = (suspects(found, config) for found in (None, blocks(60.0)))

    assert told[LOW].score > without[LOW].score
    assert any("60 times that of middle_block, the largest of 3 others (healthy 2.3" in s for s in told[LOW].supporting)
    assert all(told[name].score <= without[name].score for name in told if name != LOW)


def test_a_fed_net_is_evidence_against_a_rate_too_low():
    """`out` below the largest other block late in the run: the output has grown."""
    told, without = suspects(blocks(0.8)), suspects(None)
    assert told[LOW].score < without[LOW].score
    assert any("0.8 times" in reason for reason in told[LOW].against)


def test_a_starved_net_with_a_moved_output_is_evidence_for_a_rate_too_high():
    """After rates of 0.1 and more, the same 60 means that the net behind the output is lost."""
    told, without = suspects(blocks(60.0)), suspects(None)
    assert told[HIGH].score > without[HIGH].score
    assert told[LOW].score == without[LOW].score


@pytest.mark.parametrize(("ratio", "side"), [(math.inf, "supporting"), (1e6, "against")])
def test_an_output_that_holds_all_gradient_back_has_not_moved(ratio, side):
    """Exactly zero behind the output, once a rate was applied, is a fact about the optimiser, at any step."""
    share = {} if ratio < math.inf else {"conv_in": 0.0, "middle_block": 0.0, "up_block_0": 0.0}
    found = blocks(2.0 if share else ratio, step=1, **share)
    assert any(f"{ratio:,.0f} times" in reason for reason in getattr(suspects(found)[HELD], side))


@pytest.mark.parametrize(
    "found",
    [
        None,
        blocks(5.0, step=0),
        BlockNorms(LAST, {}),
        BlockNorms(LAST, {"out": 1.0}),
        BlockNorms(LAST, {"middle_block": 1.0}),
        BlockNorms(LAST, {"out": 1.0, "v_out": 2.0}),
        blocks(math.nan),
        blocks(0.0),
        blocks(-1.0),
    ],
)
def test_what_no_block_can_tell_is_no_sign(found):
    """Without an update before it, the output's norm, or another block's, there is nothing to compare."""
    assert signs(found) == {}


def test_two_blocks_do_not_stand_for_a_net():
    """The middle of a deep net has little gradient in healthy runs, for its skip connections go around it."""
    found = signs(BlockNorms(LAST, {"out": 500.0, "middle_block": 1.0, "down_block_0": 0.1}))
    assert set(found) == {"output_still"}


def test_a_healthy_run_is_not_suspected_for_its_blocks():
    """An imbalance alone is no symptom."""
    assert diagnose(CONFIG, [], [], blocks(1e4)) == []


@pytest.mark.parametrize("step", [1, 7, 99, 10_000])
def test_rates_are_added_up_as_the_schedule_applies_them(step):
    """Over a ramp of 100 steps the sum is rate k (k + 1)/200, at most the sum beyond which it tells nothing."""
    config = load_config(["smoke"], ["training.learning_rate=0.001", "training.warmup_steps=100"])
    expected = RATE * step * (step + 1) / 200 if step <= 100 else SETTLED_RATE
    assert applied_rate(config, step) == pytest.approx(expected)


def test_the_edges_lie_apart():
    """The worst healthy training counts against a cause and the mildest faulty one for it."""
    for edges in (STARVED, LOST):
        assert edges.place(edges.healthy, "").points == pytest.approx(-1)
        assert edges.place(edges.faulty, "").points == pytest.approx(1)


def test_the_newest_epoch_with_norms_is_taken(tmp_path):
    """A summary's last records may have none."""
    path = tmp_path / "training_summary.json"
    assert latest_blocks(read_summary(path), path) is None
    records = [{"epoch": n, "global_step": 3 * n + 3, "grad_norm_per_block": {"out": 1.0 + n}} for n in range(3)]
    path.write_text(json.dumps([*records[:2], {**records[2], "grad_norm_per_block": {}}]))
    assert latest_blocks(read_summary(path), path) == BlockNorms(5, {"out": 2.0})


@pytest.mark.parametrize(
    "broken", [{"grad_norm_per_block": 3}, {"grad_norm_per_block": {"out": "x"}}, {"global_step": "x"}]
)
def test_norms_that_are_none_are_refused(tmp_path, broken):
    """A sentence with the file, no traceback."""
    path = tmp_path / "training_summary.json"
    path.write_text(json.dumps([{"epoch": 0, "global_step": 3, "grad_norm_per_block": {}} | broken]))
    with pytest.raises(InputError, match=r"training_summary\.json"):
        latest_blocks(read_summary(path), path)
