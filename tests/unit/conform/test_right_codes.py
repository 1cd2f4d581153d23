"""Codes that are right: nothing falls, and what they declare is told as declared."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from neuromf_spec.conformance.suite import judge, judged_laws
from neuromf_spec.conformance.verdict import Status
from neuromf_spec.registry import laws

from neuromf.conform import Average, Declaration, Schedule, TimeSampler
from neuromf.conform.subject import BridgedSubject
from tests.support.conform import own, toy

RIGHT = (toy.Toy, toy.Plain, toy.Model, toy.Dual, toy.Head, toy.Guided, toy.Data, toy.Mirrored)
OURS = (own.Own, own.OwnOfficial, own.OwnDual)


def judged(adapter, **options):
    return {result.key: result for result in judge(lambda: BridgedSubject(adapter()), **options)}


def statuses(results):
    return {result.status for result in results.values()}


@pytest.mark.parametrize("adapter", RIGHT, ids=lambda adapter: adapter.__name__)
def test_nothing_falls_of_a_code_that_is_right(adapter):
    """Each kind of objective holds every law that applies to it; a share by chance is a declared one."""
    found = judged(adapter)
    assert statuses(found) <= {Status.HOLDS, Status.DECLARED, Status.NOT_APPLICABLE}
    assert {key for key, result in found.items() if result.status is Status.DECLARED} <= {"TIME-002 share"}
    assert found["ID-001 objective"].status is Status.HOLDS


@pytest.mark.parametrize("adapter", OURS, ids=lambda adapter: adapter.__name__)
def test_our_own_trainer_holds_every_law(adapter):
    """Objective, times, sampler, average and schedule of neuromf hold what applies to them, in every window."""
    assert statuses(judged(adapter)) <= {Status.HOLDS, Status.NOT_APPLICABLE}


def test_our_recommended_settings_are_judged_by_nearly_every_law():
    """Of the recommended settings only guidance is not there to be judged."""
    found = judged(own.Own)
    unjudged = {key for key, result in found.items() if result.status is Status.NOT_APPLICABLE}
    assert unjudged == {"ID-001 guided velocity"}


@pytest.mark.parametrize("adapter", [toy.Central, own.OwnDifference], ids=lambda adapter: adapter.__name__)
def test_a_declared_difference_is_told_as_declared(adapter):
    """A central difference is no exact derivative; who says so is not accused of it."""
    found = judged(adapter)
    assert found["ID-001 objective"].status is Status.DECLARED
    assert "central difference of step 0.005" in found["ID-001 objective"].detail


def test_a_declared_average_is_told_as_declared():
    """One update in 16 steps falls for who does not say so, and for nobody else."""

    class Seldom(toy.Around):
        declares = replace(toy.Around.declares, average=Average(decay=0.9, every=16))

        def average(self, weights):
            return super().average([weights[0], *weights[16::16]])

    assert judged(Seldom)["EMA-001 average"].status is Status.DECLARED


def test_a_stated_deviation_is_told_with_its_reason():
    """A law from which a code departs with a reason is declared, and the reason is told."""

    class Half(toy.Objective):
        declares = replace(toy.Objective.declares, deviations={"WGT-003": "half the loss, as in our paper"})

        def _over_batch(self, losses):
            return losses.mean() / 2

    found = judged(Half)["WGT-003 reduction"]
    assert found.status is Status.DECLARED
    assert "as in our paper" in found.detail


def test_a_code_that_raises_is_accused_of_nothing():
    """An error of the code is told as what it is, for each law that it keeps from being judged."""

    class Raises(toy.Objective):
        def _point(self, x, e, t):
            raise RuntimeError("one argument too many")

    found = judged(Raises)
    assert found["JVP-001 du/dt"].status is Status.CANNOT_RUN
    assert "RuntimeError: one argument too many" in found["JVP-001 du/dt"].detail
    assert Status.FALLS not in statuses(found)


def test_what_no_known_change_explains_is_not_said_to_fall():
    """Two faults at once are told as a difference, not as a fault that has a name."""

    class Two(toy.Objective):
        def _compound(self, u, span, dudt):
            return u + (span**2 * dudt**2).detach() + 0.1 * u.detach() ** 3

    assert judged(Two)["JVP-001 du/dt"].status is Status.UNEXPLAINED


def test_a_loss_that_is_not_finite_does_not_hold():
    """NaN is no zero."""

    class Nan(toy.Objective):
        def _over_batch(self, losses):
            return losses.mean() * np.nan

    assert Status.HOLDS not in statuses(judged(Nan))


def test_float32_codes_are_judged_in_float32():
    """A code that knows float32 alone holds within what float32 loses."""

    class Single(toy.Objective):
        declares = replace(toy.Objective.declares, precision="float32")

    assert statuses(judged(Single)) <= {Status.HOLDS, Status.NOT_APPLICABLE}


def test_images_in_batches_of_several_are_judged_too():
    """A code that takes four images at least is handed copies."""

    class Images(toy.Objective):
        declares = replace(toy.Objective.declares, shape=(2, 3, 3), batch=4)

        def loss(self, net, s):
            assert s.x.shape[0] % 4 == 0
            assert s.x.shape[1:] == (2, 3, 3)
            return super().loss(net, s)

    assert statuses(judged(Images)) <= {Status.HOLDS, Status.NOT_APPLICABLE}


@pytest.mark.parametrize("seed", [1, 2])
def test_no_seed_makes_a_right_code_fall(seed):
    """The verdict does not hang on the draws."""
    assert Status.FALLS not in statuses(judged(toy.Guided, seed=seed))


def test_every_judged_law_is_in_the_registry():
    """The suite adds no law of its own, and reports the laws that are asked for."""
    assert set(judged_laws()) <= set(laws())
    assert {result.law_id for result in judged(toy.Objective, laws=["WGT-001"]).values()} == {"WGT-001"}


def test_a_reason_excuses_the_fact_that_it_names_and_no_other():
    """A sampler that departs on purpose does not hide a fault of the objective, which the same law speaks of."""

    class Both(toy.Toy):
        declares = replace(toy.Toy.declares, deviations={"ID-001 4 steps of the sampler": "it integrates u(z, t, t)"})

        def _compound(self, u, span, dudt):
            return u + 0.5 * span * dudt.detach()

        def sample(self, net, noise, steps):
            return super().sample(net, noise, steps) if steps == 1 else noise

    found = judged(Both)
    assert found["ID-001 4 steps of the sampler"].status is Status.DECLARED
    assert found["ID-001 objective"].status is Status.FALLS


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Declaration(tangent="modell"), "tangent = 'modell' is none of conditional, model, v_head"),
        (lambda: Declaration(data_at=2), "data_at = 2 is none of 0, 1"),
        (lambda: Declaration(reduction="max"), "reduction = 'max' is none of sum, mean"),
        (lambda: TimeSampler(share_is="often"), "share_is = 'often' is none of exact, per_batch, random, per_call"),
        (lambda: Schedule(shape="cosin"), "shape = 'cosin' is none of constant, cosine, linear"),
    ],
)
def test_a_word_that_nobody_knows_is_refused_where_it_is_declared(make, says):
    """With the words that there are; a number in place of a reduction's name is none."""
    with pytest.raises(ValueError, match=re.escape(says)):
        make()
    assert Declaration(reduction=7).divisor() == 7


class CoinToss(toy.Around):
    """One coin a call decides whether all of its samples have r = t."""

    declares = replace(toy.Around.declares, times=replace(toy.TIMES, batch=50, data_proportion=0.5))

    def times(self, count, seed):
        """All alike."""
        r, t = super().times(count, seed)
        pair = torch.sigmoid(-0.4 + torch.randn(count, 2))
        r, t = pair.amin(1), pair.amax(1)
        return (t, t) if np.random.default_rng(seed).random() < 0.5 else (r, t)


@pytest.mark.law("TIME-002")
@pytest.mark.parametrize("seed", range(4))
def test_a_coin_for_a_whole_call_is_told_from_a_wrong_share(seed):
    """Whatever the coin says: it falls until it is declared, and the share is never blamed for chance."""
    fallen = judged(CoinToss, seed=seed)["TIME-002 share"]
    assert fallen.status is Status.FALLS
    assert "per_call" in fallen.repair

    class Declared(CoinToss):
        declares = replace(CoinToss.declares, times=replace(CoinToss.declares.times, share_is="per_call"))

    assert judged(Declared, seed=seed)["TIME-002 share"].status is Status.DECLARED


def test_pairs_that_are_all_turned_round_are_told_so():
    """Sorting is not what such a code lacks: it sorts the other way."""

    class Turned(toy.Around):
        def times(self, count, seed):
            r, t = super().times(count, seed)
            return t, r

    assert "exchange r and t" in judged(Turned)["TIME-001 order"].repair


def test_no_draw_of_one_seed_is_a_draw_of_another():
    """Times of two seeds are drawn from calls that share no seed."""
    asked = []

    class Noting(toy.Around):
        def times(self, count, seed):
            asked.append(seed)
            return super().times(count, seed)

    judged(Noting, seed=0)
    first = set(asked)
    judged(Noting, seed=1)
    assert len(first) > 1
    assert not first & set(asked[len(first) :])
