"""What samples of a finished training must be like before anyone uses them."""

from __future__ import annotations

from dataclasses import replace

from neuromf_spec.bounds import at_least, at_most
from neuromf_spec.citations import measured
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity

WIDEST = 2.0
"""Largest value over the largest real one. Measured on small trainings: healthy ones 0.4 to 1.0."""
ONE_STEP = 1.5
"""Measured: trainings 0.8 to 1.3; the mean of the training scans with a little noise 2.0 and more."""
LEAST_DIVERSITY = 0.1
"""Measured: a training that has hardly begun, whose samples are blurred towards the mean, 0.20; later ones 0.34 to 1,
noisy ones 2 to 3; one head again and again 0."""
LEAST_SPREAD = 0.2
"""Measured: trainings 0.3 to 1.2; one, four or ten heads again and again at most 0.05."""
LEAST_NEARNESS = 0.8
"""Measured: trainings that memorise nothing 0.93 to 1.07; one on two heads 0.59 after 150 steps, 0.10 after 1,200; two
on 24 heads, after 800 steps, 0.84 and 0.93 in one evaluation and 0.39 and 0.50 in ten."""
MOST_COPIES = 0.02
"""One sample in 50. Measured: 0 where nothing is memorised, 0.37 to 0.97 where two heads are."""
LEAST_SUBJECTS = 8
"""Held-out subjects from which intervals hold what they promise."""


def samples_in_range(*, not_finite: int, largest: float, real: float) -> Finding:
    """Judge the values of samples, in the unit in which the network draws them.

    Args:
        not_finite: values that are NaN or infinite.
        largest: largest absolute value of a sample.
        real: largest absolute value of a held-out scan.
    """
    if not_finite > 0:
        return Finding(passed=False, value=not_finite, bound="0", unit="values are not finite")
    return at_most(largest / real if real > 0 else float("nan"), WIDEST, unit="times the largest value of a real scan")


def one_step_keeps_up(*, ratio: float) -> Finding:
    """Judge the distance of one-step samples from held-out scans, over that of samples in many steps."""
    return at_most(ratio, ONE_STEP, unit="times the distance of samples in most steps")


def samples_differ(*, diversity: float, spread: float) -> Finding:
    """Judge how unlike samples are.

    Args:
        diversity: 1 - MS-SSIM of two samples, over that of two real scans.
        spread: distance of a sample to the nearest other one, over that of real scans among as many.
    """
    whole = at_least(diversity, LEAST_DIVERSITY, unit="of the diversity of real scans")
    near = at_least(spread, LEAST_SPREAD, unit="of the distance between neighbours among real scans")
    return whole if near.passed else near


def nothing_copied(*, nearness: float, copies: float) -> Finding:
    """Judge whether samples lie nearer to training scans than scans do that were not trained on.

    Args:
        nearness: nearest training over nearest held-out scan, in units of what held-out scans have.
        copies: share of the samples that lie nearer to a training scan than half of that.
    """
    single = at_most(copies, MOST_COPIES, unit="of the samples are copies of a training scan")
    whole = at_least(nearness, LEAST_NEARNESS, unit="of what held-out scans have")
    return whole if single.passed else replace(single, detail="the nearest training scans are beside the samples")


_MEASURED = measured("tests/laws/test_law_evaluation.py")

LAWS = (
    Law(
        id="EVAL-001",
        title="samples are numbers in range",
        statement="Every value of a sample is finite and at most twice as large as the largest of a real latent.",
        equation=r"\max |x| \le 2 \max |x_\mathrm{real}|",
        sources=(_MEASURED,),
        severity=Severity.BLOCK,
        predicate=samples_in_range,
        example={"not_finite": 0, "largest": 6.1, "real": 6.0},
        counterexample={"not_finite": 0, "largest": 60.0, "real": 6.0},
        remedy="Look at the raw loss with neuromf diagnose, then sample an earlier checkpoint.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        basis=Basis.REPLAYED,
    ),
    Law(
        id="EVAL-002",
        title="one step keeps up",
        statement="Samples in one step lie at most 1.5 times as far from held-out scans as in many steps.",
        equation=r"d(x_1) \le 1.5 \max(d(x_N), d_\mathrm{real})",
        sources=(_MEASURED,),
        severity=Severity.BLOCK,
        predicate=one_step_keeps_up,
        example={"ratio": 1.2},
        counterexample={"ratio": 4.0},
        remedy="Train more MF samples (time_sampling.data_proportion), or sample in as many steps as the table shows.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        basis=Basis.REPLAYED,
    ),
    Law(
        id="EVAL-003",
        title="samples differ as scans do",
        statement="Two samples are at least a tenth as unlike as two real scans, and none is another once more.",
        equation=r"1 - s(x, x') \ge \tfrac{1}{10} (1 - s_\mathrm{real})",
        sources=(_MEASURED,),
        severity=Severity.BLOCK,
        predicate=samples_differ,
        example={"diversity": 0.95, "spread": 0.9},
        counterexample={"diversity": 0.9, "spread": 0.0},
        remedy="Check that noise reaches the network and that conditioning does not replace it.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        basis=Basis.REPLAYED,
    ),
    Law(
        id="EVAL-004",
        title="nothing is copied",
        statement="Samples lie no nearer to training scans, measured by held-out scans, than held-out scans do.",
        equation=r"\mathrm{med}\, \frac{d(x, T)}{d(x, H)} \ge 0.8\, \mathrm{med}\, \frac{d(h, T)}{d(h, H \setminus h)}",
        sources=(_MEASURED,),
        severity=Severity.BLOCK,
        predicate=nothing_copied,
        example={"nearness": 1.0, "copies": 0.0},
        counterexample={"nearness": 0.1, "copies": 1.0},
        remedy="Stop earlier, augment, or train on more subjects; publish no sample that stands beside its scan.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        basis=Basis.REPLAYED,
    ),
)
