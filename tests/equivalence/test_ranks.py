"""Two gloo ranks against one process that accumulates: the same batch, the same gradient, one verdict."""

import itertools

import pytest
import torch
from neuromf_spec.registry import law

from neuromf.training.process_group.ranks import ProcessGroup
from tests.support.rank_worker import DRAWS, observe, options_on_ranks, run_ranks
from tests.support.reference_training import OPTIONS, configured, net_of, parted, train_as_written

TOLERANCE = 1e-12
"""Relative: the bilinear net is in float64 and two ranks add up in another order; measured 2e-16."""


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What two ranks observed."""
    return run_ranks(tmp_path_factory.mktemp("ranks"), 2)


@pytest.fixture(scope="module")
def alone():
    """What one process observed that takes all micro-batches itself."""
    return observe(ProcessGroup())


@pytest.mark.law("BATCH-002")
def test_two_ranks_have_the_gradient_of_one_that_accumulates(ranks, alone):
    """The U-Net's gradient after the exchange is that of one process, to float32 rounding, and the same on both."""
    for rank in ranks:
        assert all(torch.equal(rank["first"].own, gathered) for gathered in rank["first"].gathered)
    expected = alone["first"].own
    difference = float((ranks[0]["first"].own - expected).norm() / expected.norm())
    assert law("BATCH-002").predicate(difference=difference).passed, difference


def test_gradients_are_exchanged_in_the_last_micro_batch_alone(ranks):
    """Accumulation of two micro-batches: the first keeps its gradients, whatever is differentiated inside of it."""
    assert [rank["first"].synchronised for rank in ranks] == [[False, True]] * 2


@pytest.mark.law("BATCH-002")
def test_a_static_graph_changes_no_gradient(ranks):
    """With finite differences the wrapper may take the graph for static: the same gradient, to float32 rounding."""
    for rank in ranks:
        difference = float((rank["static"] - rank["dynamic"]).norm() / rank["dynamic"].norm())
        assert law("BATCH-002").predicate(difference=difference).passed, difference


def test_what_rank_0_meets_all_ranks_know(ranks):
    """A value and a refusal of rank 0 reach the other, so that none waits for a rank that has ended."""
    assert [rank["told"] for rank in ranks] == [("from 0", "there: this: refused on 0; mend it.")] * 2


def test_one_ranks_signal_is_heard_by_both(ranks):
    """A fact that holds on the second rank alone holds for both; one that holds on none for none."""
    assert [rank["any"] for rank in ranks] == [(True, False)] * 2


def test_a_group_that_has_ended_leaves_no_thread(ranks):
    """After two ranks have trained through DDP, none of gloo's threads is left to abort them at their exit."""
    assert [rank["threads_left"] for rank in ranks] == [[], []]


@pytest.mark.law("TIME-002")
def test_the_share_of_fm_samples_holds_over_ranks(ranks):
    """Samples with r = t that two ranks recorded together, of eight a step with data_proportion 0.5."""
    for row in ranks[0]["trace"]:
        found = round(row["frac_fm"] * 8)
        assert law("TIME-002").predicate(fm_samples=found, samples=8, data_proportion=0.5).passed


@pytest.mark.law("BATCH-002")
def test_two_ranks_record_the_trace_of_one(ranks, alone):
    """Every column of three steps agrees between ranks and with one process; the batch's hash to the letter."""
    assert repr(ranks[0]["trace"]) == repr(ranks[1]["trace"])
    for row, expected in zip(ranks[0]["trace"], alone["trace"], strict=True):
        assert row["batch_hash"] == expected["batch_hash"]
        numbers = {name: value for name, value in row.items() if isinstance(value, float)}
        assert numbers == pytest.approx({name: expected[name] for name in numbers}, rel=TOLERANCE)


@pytest.mark.law("BATCH-002")
@pytest.mark.law("OPT-005")
def test_two_ranks_train_as_it_is_written_by_hand(ranks):
    """At drawn settings, rare ones among them, the records of both ranks are the hand-written training's."""
    for index, seed in enumerate(DRAWS):
        options = options_on_ranks(seed)
        config = configured(options)
        written = train_as_written(config, net_of(config))
        for rank in ranks:
            assert parted(rank["drawn"][index], written) == [], options
            for record in rank["drawn"][index]:
                asked = {"before": record.checks.norm, "after": record.checks.clipped_norm}
                assert law("OPT-005").predicate(**asked, limit=config.training.gradient_clip).passed, options


def test_the_drawn_settings_hold_every_value_of_every_option():
    """Among the settings that ranks train there is a clip that binds, each schedule, a warm-up, a weight decay."""
    drawn = [options_on_ranks(seed) for seed in DRAWS]
    for key, values in OPTIONS.items():
        assert {options[key] for options in drawn} == set(values), key


@pytest.mark.law("GUARD-002")
def test_one_ranks_broken_data_halts_both(ranks):
    """A latent that is not finite on the second rank alone ends the step on both, and neither advances."""
    verdicts = [rank["poison"] for rank in ranks]
    assert law("GUARD-002").predicate(verdicts=[level for level, _ in verdicts]).passed
    assert verdicts == [("nonfinite", 0)] * 2


@pytest.mark.law("NUM-002")
def test_a_number_that_differs_on_one_rank_ends_both_alike(ranks):
    """A step that did not repeat itself on the second rank alone is irreproducible on both, and neither advances."""
    assert [rank["one_memory"] for rank in ranks] == [("irreproducible", 0)] * 2


@pytest.mark.law("GUARD-002")
def test_a_norm_that_one_rank_alone_reads_as_broken_halts_both(ranks):
    """The norm of the gradient that all hold: one that is not finite on the second rank is none on the first."""
    assert [rank["one_norm"] for rank in ranks] == [("nonfinite", 0)] * 2


@pytest.mark.law("CKPT-001")
def test_gradients_are_added_up_in_one_order_from_the_first_step_on(ranks):
    """Torch lays its buckets out anew after the first exchange, which is one whose gradients are dropped."""
    for rank in ranks:
        dropped, *steps = rank["layouts"]
        assert len(steps) == 3
        assert steps == steps[:1] * 3
        assert sorted(itertools.chain(*dropped)) == sorted(itertools.chain(*steps[0]))


def test_an_uneven_share_is_refused():
    """Micro-batches that cannot be dealt out evenly are a sentence, not a hang."""
    with pytest.raises(ValueError, match="3 micro-batches"):
        ProcessGroup(0, 2).share([1, 2, 3])


def test_shares_are_disjoint_and_complete():
    """Ranks take turns: together they hold every item once, and `collect` would put them back in order."""
    items = list(range(12))
    shares = [ProcessGroup(rank, 3).share(items) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == items
    assert [item for turn in zip(*shares, strict=True) for item in turn] == items
