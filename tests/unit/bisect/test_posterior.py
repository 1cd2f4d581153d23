"""Hypotheses, their posterior, and the choice of a probe, against brute force."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.bisect.choice import capacity, choose, entropy, information
from neuromf.bisect.hypotheses import build_hypotheses, members, minimal, minimal_hitting_sets
from neuromf.bisect.posterior import Rates, posterior
from neuromf.errors import InputError

DELTAS = 5
FULL = (1 << DELTAS) - 1
RATES = Rates(0.1, 0.05)
subsets = st.integers(0, FULL)
answers = st.lists(st.tuples(subsets, st.integers(0, 3), st.integers(0, 3)), max_size=8)


def hypotheses(universe=FULL, weights=(1.0,) * DELTAS, testable=lambda _: True):
    return build_hypotheses(weights, universe, testable)


TABLE = hypotheses()


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=7), answers)
def test_the_posterior_adds_up_to_one(weights, decided):
    """Whatever was answered, probabilities are not negative and add up to one."""
    table = hypotheses((1 << len(weights)) - 1, tuple(weights))
    beliefs = posterior(table, decided, RATES)
    assert (beliefs >= 0).all()
    assert beliefs.sum() == pytest.approx(1, abs=1e-12)


@given(answers, subsets)
def test_a_broken_answer_raises_the_odds_of_every_hypothesis_it_fits(decided, subset):
    """The odds of a hypothesis that expects the break against one that does not rise by (1 - FN) / FP = 18."""
    before = posterior(TABLE, decided, RATES)
    after = posterior(TABLE, [*decided, (subset, 1, 0)], RATES)
    hit = TABLE.hit(subset)
    if hit.any():
        odds = np.log(after[hit].max() / after[~hit].max()) - np.log(before[hit].max() / before[~hit].max())
        assert odds == pytest.approx(RATES.broken_evidence, abs=1e-9)


def test_every_hypothesis_is_there_once():
    """With 12 deltas: nothing, the 793 subsets up to size 4, and all pairs of them up to 5 deltas that both count."""
    table = hypotheses((1 << 12) - 1, (1.0,) * 12)
    small = [a for a in range(1, 1 << 12) if a.bit_count() <= 4]
    pairs = sum(a.bit_count() + b.bit_count() <= 5 and a & ~b != 0 and b & ~a != 0 for a, b in combinations(small, 2))
    assert len(table.prior) == 1 + 793 + pairs
    assert len({table.causes(i) for i in range(len(table.prior))}) == len(table.prior)


def test_a_blamed_delta_starts_more_likely():
    """Prior odds of two causes of one size are the ratio of their weights."""
    table = hypotheses(weights=(3.0, 1.0, 1.0, 1.0, 1.0))
    prior = {table.causes(i): table.prior[i] for i in range(len(table.prior))}
    assert prior[(1,)] / prior[(2,)] == pytest.approx(3)
    assert prior[(0b00011,)] / prior[(0b00110,)] == pytest.approx(3)


@given(answers)
def test_the_mass_of_all_subsets_is_that_of_each(decided):
    """The sum over parts gives every subset the probability of the hypotheses that it would break."""
    beliefs = posterior(TABLE, decided, RATES)
    mass = TABLE.hit_mass(beliefs)
    assert mass == pytest.approx([beliefs[TABLE.hit(s)].sum() for s in range(FULL + 1)], abs=1e-12)


def mutual_information(joint):
    """Bits of a joint distribution by hypothesis and answer, straight from the definition."""
    rows, columns = joint.sum(1, keepdims=True), joint.sum(0, keepdims=True)
    terms = joint * np.log2(joint / (rows * columns), where=joint > 0, out=np.zeros_like(joint))
    return terms.sum()


def joint_of(beliefs, asked):
    """Distribution of hypothesis and all answers to the subsets `asked`."""
    joint = beliefs[:, None]
    for subset in asked:
        broken = np.where(TABLE.hit(subset), 1 - RATES.false_negative, RATES.false_positive)[:, None]
        joint = np.concatenate([joint * broken, joint * (1 - broken)], axis=1)
    return joint


@given(answers, st.lists(subsets, max_size=2))
def test_the_chosen_probe_tells_most(decided, pending):
    """No subset has a larger information, beside the running probes, by the definition of mutual information."""
    beliefs = posterior(TABLE, decided, RATES)
    chosen = choose(TABLE, beliefs, RATES, universe=FULL, pending=pending, testable=lambda _: True)
    known = mutual_information(joint_of(beliefs, pending))
    gains = [mutual_information(joint_of(beliefs, [*pending, s])) - known for s in range(FULL + 1)]
    assert (max(gains) <= 2e-6) if chosen is None else (gains[chosen] == pytest.approx(max(gains), abs=3e-9))


@given(answers, st.sets(subsets))
def test_an_untestable_subset_is_not_chosen(decided, forbidden):
    """The best of those that can be trained is taken, and none when there is none."""
    beliefs = posterior(TABLE, decided, RATES)
    chosen = choose(TABLE, beliefs, RATES, universe=FULL, testable=lambda s: s not in forbidden)
    scores = information(TABLE.hit_mass(beliefs), RATES)
    allowed = [scores[s] for s in range(FULL + 1) if s not in forbidden]
    assert chosen not in forbidden
    if chosen is not None:
        assert scores[chosen] == pytest.approx(max(allowed), abs=2e-9)


def test_a_probe_stays_in_its_universe():
    """Known causes stay out of it, even where an equal subset with one of them is all that can be trained."""
    table = hypotheses(0b00110)
    beliefs = posterior(table, [], RATES)
    assert choose(table, beliefs, RATES, universe=0b00110, testable=lambda s: s & 0b11000 != 0) is None
    assert choose(table, beliefs, RATES, universe=0b00110, testable=lambda _: True) in {0b00010, 0b00100, 0b00110}


def test_the_capacity_is_the_published_one():
    """About 0.62 bit an answer at 10 % and 5 %, and one bit without noise."""
    assert capacity(RATES) == pytest.approx(0.62, abs=0.01)
    assert capacity(Rates(1e-9, 1e-9)) == pytest.approx(1, abs=1e-6)
    assert entropy(0.5) == 1


@pytest.mark.parametrize("rates", [(0.5, 0.5), (-0.1, 0.1), (float("nan"), 0.1), (1.0, 0.0)])
def test_rates_that_say_nothing_are_refused(rates):
    """A broken answer must be likelier with a cause than without."""
    with pytest.raises(InputError, match="error rates"):
        Rates(*rates)


@given(st.lists(st.integers(1, FULL), max_size=4))
def test_hitting_sets_are_minimal_and_complete(causes):
    """They are the minimal ones among all subsets that share a delta with each cause."""
    hitting = [s for s in range(FULL + 1) if all(s & cause for cause in causes)]
    assert minimal_hitting_sets(causes) == minimal(hitting)


@given(subsets)
def test_members_are_the_bits(subset):
    """The numbers of a subset's deltas make up the subset."""
    assert sum(1 << i for i in members(subset)) == subset
