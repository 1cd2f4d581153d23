"""The bisect as a whole on oracles whose causes are known."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.bisect.claims import REPEATS, ClaimStatus, SubsetClaim, read_claim
from neuromf.bisect.engine import Engine, run
from neuromf.bisect.hypotheses import contains, minimal
from neuromf.bisect.oracle import Observation, Probe, ProbeOutcome, ProbePurpose, ProbeVerdict
from neuromf.bisect.posterior import FRESH, MAX_UNDECIDED, Evidence, Rates
from neuromf.bisect.question import BisectEnding, Conclusion, Question, Wait
from neuromf.errors import InputError
from tools.studies.bisect_simulation.simulated import SimulatedOracle

SHARP = Rates(0.0, 0.0)


def question(deltas=6, **changes):
    return Question(weights=(1.0,) * deltas, **{"rates": SHARP, **changes})


def exact(*causes, rates=SHARP, seed=0):
    return SimulatedOracle(causes=causes, rates=rates, seed=seed)


def causes_of(deltas, largest=4, most=1):
    """Causes of which none contains another."""
    one = st.sets(st.integers(0, deltas - 1), min_size=1, max_size=largest).map(lambda s: sum(1 << i for i in s))
    return st.lists(one, min_size=1, max_size=most).map(minimal).map(tuple)


@given(causes_of(8))
def test_a_conjunction_is_found_exactly_when_the_oracle_does_not_err(causes):
    """Any one to four of eight deltas."""
    conclusion, _ = run(Engine(question(8)), exact(*causes))
    assert (conclusion.ending, conclusion.causes) == (BisectEnding.FOUND, causes)
    assert conclusion.posterior >= 0.95


@given(causes_of(6, largest=3, most=3))
def test_independent_causes_are_all_found_when_the_oracle_does_not_err(causes):
    """Up to three causes of up to three of six deltas, whatever they share."""
    conclusion, _ = run(Engine(question(6)), exact(*causes))
    assert conclusion.ending is BisectEnding.FOUND
    assert set(conclusion.causes) == set(causes)


@given(st.integers(1, 8))
def test_no_culprit_is_an_answer(deltas):
    """When nothing breaks, nothing is blamed, and fresh runs of the bad end show it."""
    conclusion, observations = run(Engine(question(deltas)), exact())
    assert (conclusion.ending, conclusion.causes) == (BisectEnding.NO_CULPRIT, ())
    assert any(o.probe.purpose is ProbePurpose.VERIFY and o.probe.subset == (1 << deltas) - 1 for o in observations)


def test_a_cause_of_five_is_left_to_ddmin():
    """Beyond the hypotheses the search does not settle; ddmin finds it, verified."""
    conclusion, _ = run(Engine(question(8, search_budget=12)), exact(0b10110110))
    assert (conclusion.ending, conclusion.causes, conclusion.fallback) == (BisectEnding.FOUND, (0b10110110,), True)


@given(causes_of(6), st.permutations(range(6)))
def test_a_delta_that_needs_another_is_found_with_it(causes, order):
    """What is found is the smallest set that can be trained and contains the cause."""
    first, needed = order[:2]

    def testable(subset):
        return not subset >> first & 1 or bool(subset >> needed & 1)

    conclusion, observations = run(Engine(question(testable=testable)), exact(*causes))
    (cause,) = causes
    closed = cause | (1 << needed if cause >> first & 1 else 0)
    if closed.bit_count() <= 4:
        assert conclusion.causes == (closed,)
    assert all(testable(o.probe.subset) for o in observations)


@pytest.mark.parametrize(("verdict", "asked"), [(ProbeVerdict.UNTESTABLE, 1), (ProbeVerdict.UNDECIDED, MAX_UNDECIDED)])
@given(causes_of(6), st.sets(st.integers(1, 62), max_size=20))
def test_a_subset_without_an_answer_is_given_up_and_never_healthy(verdict, asked, causes, stuck):
    """An exit of 125 is asked for once, what stays undecided three times; the search goes round it."""
    oracle = exact(*causes)

    def answer(probe):
        return ProbeOutcome(verdict) if probe.subset in stuck else oracle(probe)

    conclusion, observations = run(Engine(question(search_budget=60)), answer)
    counts = Counter(o.probe.subset for o in observations if o.probe.subset in stuck)
    assert all(count <= asked for count in counts.values())
    assert not set(conclusion.causes) & stuck
    if not any(contains(s, causes[0]) or contains(causes[0], s) for s in stuck):
        assert conclusion.causes == causes


@given(causes_of(6), st.integers(0, 2**16))
def test_undecided_answers_cost_and_teach_nothing(causes, seed):
    """A third of the runs undecided: the same cause, and every undecided run left out of the counts."""
    oracle = exact(*causes)

    def answer(probe):
        return ProbeOutcome(ProbeVerdict.UNDECIDED) if (probe.seed * 7 + seed) % 3 == 0 else oracle(probe)

    conclusion, observations = run(Engine(question(search_budget=60)), answer)
    assert conclusion.causes == causes
    kept = [o for o in observations if o.outcome.verdict is not ProbeVerdict.UNDECIDED]
    assert Evidence(observations).decided(63) == Evidence(kept).decided(63)


@given(causes_of(6, most=2), st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_next_probe_does_not_depend_on_the_order_of_the_answers(causes, seed, shuffler):
    """A executor's probes end in any order; at every stage the decision is the same."""
    engine = Engine(question(rates=Rates()))
    _, observations = run(engine, exact(*causes, rates=Rates(), seed=seed))
    known = observations[: shuffler.randrange(len(observations))]
    mixed = shuffler.sample(known, len(known))
    assert engine.next_probe(mixed) == engine.next_probe(known) == observations[len(known)].probe


@given(causes_of(6, most=2), st.integers(2, 5))
def test_a_fleet_finds_the_same_with_probes_of_its_own(causes, workers):
    """Several at a time: no probe has another's number or seed, and the causes are the same."""
    engine, oracle, observations = Engine(question()), exact(*causes), []
    while True:
        started = engine.next_probes(observations, [], workers)
        if isinstance(started, Conclusion):
            break
        assert started
        observations += [Observation(probe, oracle(probe)) for probe in started]
    assert set(started.causes) == set(causes)
    assert [o.probe.index for o in observations] == list(range(len(observations)))
    assert len({o.probe.seed for o in observations}) == len(observations)


def test_a_fleet_does_not_ask_the_same_thing_twice():
    """Without noise a second run of one subset tells nothing: six workers start with six subsets."""
    probes = Engine(question(8)).next_probes([], [], 6)
    assert len({probe.subset for probe in probes}) == 6


def test_verification_waits_for_the_runs_that_would_settle_it():
    """With enough fresh runs of every claim running, nothing more is started."""
    engine, oracle, observations = Engine(question(3)), exact(0b1), []
    while (step := engine.next_probe(observations)).purpose is ProbePurpose.SEARCH:
        observations.append(Observation(step, oracle(step)))
    pending = engine.next_probes(observations, [], 50)
    assert 0 < len(pending) < 50
    assert engine.next_probe(observations, pending) is Wait.WAIT
    assert engine.next_probes(observations, pending, 1) == []


def test_every_claim_of_a_found_cause_is_proven_by_fresh_runs():
    """Alone it breaks, each part does not: at 10 % and 5 % two or more runs each, and five in a hundred for all."""
    conclusion, observations = run(Engine(question(rates=Rates())), exact(0b1011, rates=Rates(), seed=4))
    assert conclusion.causes == (0b1011,)
    claims = {r.claim.subset: r for r in conclusion.readings if r.claim.breaks or r.claim.subset & ~0b1011 == 0}
    assert set(claims) == {0b1011, 0b0011, 0b1001, 0b1010}
    for subset, reading in claims.items():
        fresh = [o for o in observations if o.probe.subset == subset and o.probe.purpose is ProbePurpose.VERIFY]
        assert reading.status is ClaimStatus.CONFIRMED
        assert reading.broken + reading.healthy == len(fresh) >= 2


@pytest.mark.parametrize(
    ("broken", "healthy", "status", "missing"),
    [
        (0, 0, ClaimStatus.OPEN, 2),
        (1, 0, ClaimStatus.OPEN, 1),
        (2, 0, ClaimStatus.CONFIRMED, 0),
        (0, 2, ClaimStatus.REFUTED, 0),
        (2, 2, ClaimStatus.OPEN, 1),
        (6, 7, ClaimStatus.REFUTED, 0),
    ],
)
def test_a_claim_is_settled_when_the_noise_cannot_explain_the_answers(broken, healthy, status, missing):
    """Log odds of 2.89 a break and 2.25 a healthy run against a bound of 2.94; split after 12, nothing is proven."""
    verdicts = [ProbeVerdict.BROKEN] * broken + [ProbeVerdict.HEALTHY] * healthy
    observations = [
        Observation(Probe(index=i, subset=1, seed=i, purpose=ProbePurpose.VERIFY), ProbeOutcome(verdict))
        for i, verdict in enumerate(verdicts)
    ]
    claim = SubsetClaim(subset=1, breaks=True, says="breaks")
    for purposes, split in ((FRESH, ClaimStatus.REFUTED), (tuple(ProbePurpose), ClaimStatus.CONFIRMED)):
        reading = read_claim(claim, Evidence(observations), Rates(), 0.05, lambda _: True, purposes)
        expected = split if broken + healthy > REPEATS else status
        assert (reading.status, reading.missing) == (expected, missing)


def test_a_false_candidate_does_not_pass_verification():
    """Search answers that all point to delta 0 are undone by fresh runs, and delta 1 is found."""
    engine, oracle = Engine(question(3, rates=Rates())), exact(0b010)
    lies = [
        Observation(Probe(index=i, subset=s, seed=i, purpose=ProbePurpose.SEARCH, universe=7), ProbeOutcome(verdict))
        for i, (s, verdict) in enumerate(
            [(1, ProbeVerdict.BROKEN), (6, ProbeVerdict.HEALTHY), (1, ProbeVerdict.BROKEN)]
        )
    ]
    assert engine.next_probe(lies).candidate == 0b001
    observations = list(lies)
    while isinstance(step := engine.next_probe(observations), Probe):
        observations.append(Observation(step, oracle(step)))
    assert (step.ending, step.causes) == (BisectEnding.FOUND, (0b010,))


def test_a_refuted_no_culprit_is_asked_again():
    """Two fresh breaks of the bad end against eight healthy ones in the search: no answer before more runs."""
    given_answers = [(ProbePurpose.SEARCH, ProbeVerdict.HEALTHY)] * 8 + [(ProbePurpose.VERIFY, ProbeVerdict.BROKEN)] * 2
    observations = [
        Observation(Probe(index=i, subset=7, seed=i, purpose=purpose, universe=7), ProbeOutcome(verdict))
        for i, (purpose, verdict) in enumerate(given_answers)
    ]
    engine = Engine(question(3, rates=Rates()))
    assert engine.progress(observations).leaders[0].causes == ()
    step = engine.next_probe(observations)
    assert (step.subset, step.purpose) == (7, ProbePurpose.VERIFY)


@pytest.mark.parametrize(
    ("cause", "stuck", "reason"),
    [
        (0b1, {0b111110}, "1 mixture that should be healthy cannot be trained, so"),
        (0b11, {0b111110, 0b111101}, "2 mixtures that should be healthy cannot be trained, so"),
        (0b11, {0b111110, 0b001000}, "1 mixture that should be healthy cannot be trained, so"),
        (0b11, {0b001000}, ""),
    ],
)
def test_an_untrainable_mixture_without_a_cause_is_reported(cause, stuck, reason):
    """Verified causes stay found; that they are all is not known where the bad run without them has no answer."""
    conclusion, _ = run(Engine(question(testable=lambda subset: subset not in stuck)), exact(cause))
    assert (conclusion.ending, conclusion.causes) == (BisectEnding.FOUND, (cause,))
    end = " that another cause is not excluded" if reason else ""
    assert conclusion.reason == reason + end


def test_a_spent_budget_is_said():
    """No more probes than allowed, and the best guess is given as one."""
    conclusion, observations = run(Engine(question(budget=3)), exact(0b11))
    assert len(observations) == 3
    assert conclusion.ending is BisectEnding.BUDGET
    assert conclusion.reason == "3 probes were not enough"
    assert conclusion.causes == ()
    assert len(conclusion.guess) >= 1


@given(st.integers(1, 60))
def test_what_is_verified_stays_so_when_the_budget_ends(budget):
    """Of two causes, those that are verified by then are named as causes and no other is."""
    conclusion, _ = run(Engine(question(8, budget=budget)), exact(0b111, 0b11111000))
    assert set(conclusion.causes) <= {0b111, 0b11111000}
    assert conclusion.ending is (BisectEnding.FOUND if len(conclusion.causes) == 2 else BisectEnding.BUDGET)


def test_a_cause_is_kept_when_the_next_is_not_proven():
    """The oracle lies about every fresh run of the second cause: the first is verified, the second a guess."""
    oracle = exact(0b00000111, 0b11111000)

    def answer(probe):
        lies = probe.subset == 0b11111000 and probe.purpose is ProbePurpose.VERIFY
        return ProbeOutcome(ProbeVerdict.HEALTHY if lies else oracle(probe).verdict)

    conclusion, _ = run(Engine(question(8, search_budget=10)), answer)
    assert (conclusion.ending, conclusion.causes, conclusion.guess) == (BisectEnding.UNPROVEN, (0b111,), (0b11111000,))


def test_calibration_runs_are_evidence_and_cost_no_budget():
    """Two runs of each end are in the posterior, and the search has its whole budget still."""
    ends = [
        Observation(Probe(index=i, subset=s, seed=i, purpose=ProbePurpose.CALIBRATE), ProbeOutcome(verdict))
        for i, (s, verdict) in enumerate([(0, ProbeVerdict.HEALTHY), (63, ProbeVerdict.BROKEN)] * 2)
    ]
    engine = Engine(question(budget=1))
    assert engine.next_probe(ends).index == 4
    assert engine.progress(ends).probes == 0
    nothing = next(best for best in engine.progress(ends, 10**6).leaders if not best.causes)
    assert nothing.probability < 1e-4


def test_progress_nears_its_end():
    """Fewer probes are left as answers come in, none once the search has settled."""
    engine = Engine(question(8))
    conclusion, observations = run(engine, exact(0b10010))
    left = [engine.progress(observations[:n]).left for n in (0, 4, len(observations))]
    assert left[0] > left[1] > left[2] == 0
    assert engine.progress(observations).leaders[0].causes == conclusion.causes


@pytest.mark.parametrize("changes", [{"weights": ()}, {"weights": (1.0,) * 25}, {"weights": (0.0,)}, {"stop": 0.4}])
def test_questions_without_sense_are_refused(changes):
    """One to 24 deltas of positive weight, and a posterior to stop at."""
    with pytest.raises(InputError):
        Question(**{"weights": (1.0,), **changes})


def test_the_engine_needs_no_torch():
    """A process that bisects, compares configurations and keeps a journal has not imported torch."""
    code = "import sys, neuromf.bisect.engine, neuromf.bisect.deltas; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
