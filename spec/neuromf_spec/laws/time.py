"""The pair of times (r, t) of a sample: order, share of r = t, distribution, one floor."""

from __future__ import annotations

import math

from neuromf_spec.bounds import at_most, told_where
from neuromf_spec.citations import improved_meanflow, meanflow, pixel_meanflow, public_code, review
from neuromf_spec.law import Enforcer, Finding, Law, Severity
from neuromf_spec.laws.batch import accumulation

FLOAT32_EPSILON = 2.0**-23
SMALL_SHARE, LARGE_SHARE = 0.01, 0.1
"""Of the samples whose target the clamp biases: a hundredth, as much as nothing is told of in du/dt (law JVP-003), and
a tenth, the bias that is blocked there. No published run is known between them."""
MOST_BATCHES = 1e15
"""Micro-batches, more than any run has: a share that is almost zero asks for no finite number of them."""
KS_FALSE_ALARM = 1e-6
"""Probability of rejecting draws from the stated distribution."""


def ordered_times(
    *, smallest_r: float, smallest_gap: float, smallest_t: float, largest_t: float, t_min: float
) -> Finding:
    """Judge the extremes of a batch of times; `t_min` may have been rounded to float32."""
    floor = t_min * (1 - FLOAT32_EPSILON)
    passed = smallest_r >= 0 and smallest_gap >= 0 and smallest_t >= floor and largest_t <= 1
    return Finding(
        passed=bool(passed),
        value=f"r >= {smallest_r:.6g}, t - r >= {smallest_gap:.6g}, t in [{smallest_t:.6g}, {largest_t:.6g}]",
        bound=f"r >= 0, t - r >= 0, t in [{t_min:.6g}, 1]",
    )


def fm_share(*, fm_samples: float, samples: int, data_proportion: float, run: tuple[int, int] | None = None) -> Finding:
    """Judge how many of a window's samples have r = t.

    Args:
        fm_samples: samples with r = t in the window.
        samples: samples in the window.
        data_proportion: p, the share asked for.
        run: epochs, and micro-batches of one rank in an epoch; None where they are not known.
    """
    expected = data_proportion * samples
    rarer = min(data_proportion, 1 - data_proportion)
    # A window too short for one sample of each kind has the share p over several; 1e-9 forgives the product's rounding.
    long_enough = rarer == 0 or rarer * samples >= 1 - 1e-9
    shared = bool(abs(fm_samples - expected) < 1)
    return Finding(
        passed=shared and long_enough,
        value=fm_samples,
        bound=f"{expected:.6g} +- 1 of {samples}, at least one of each kind",
        unit="FM samples",
        detail="" if long_enough else "some updates hold one kind alone; released models were trained so",
        passing_value="" if long_enough else accumulation(math.ceil(min(1 / rarer, MOST_BATCHES)), run),
        severity=Severity.INFO if shared and not long_enough else None,
    )


def mean_flow_samples(*, share: float) -> Finding:
    """Judge the share of samples with r < t over the whole run."""
    return Finding(
        passed=bool(share > 0),
        value=100 * share,
        bound="> 0",
        unit="% of the samples",
        detail=""
        if share > 0
        else "where r = t always, u(z, 0, 1) is asked for in one step and never trained: one "
        "step then gives FID 329 where a quarter of such samples gives 61",
        passing_value="" if share > 0 else "time_sampling.data_proportion=0.75",
    )


def time_distribution(*, statistic: float, samples: int) -> Finding:
    """Judge a Kolmogorov-Smirnov distance between drawn t and the stated marginal (asymptotic bound)."""
    limit = math.sqrt(-math.log(KS_FALSE_ALARM / 2) / 2 / samples)
    return at_most(statistic, limit, detail=f"bound at a false-alarm rate of {KS_FALSE_ALARM:g}")


def clamped_share(*, share: float, clamp_t_min: float, sampler_t_min: float, prediction: str = "x") -> Finding:
    """Judge the share of samples whose t lies below the clamp of 1/t.

    There u = (z - x)/t_min is not (z - x)/t, so that the net is taught an x that is off by up to t_min times v.

    Args:
        share: P(t < clamp_t_min) of the drawn times, 0 where the sampler's floor is not below the clamp.
        clamp_t_min: smallest t that 1/t is taken of.
        sampler_t_min: smallest t that is drawn.
        prediction: what the net puts out; only `x` is divided by t.
    """
    if prediction != "x":
        return Finding(passed=True, value="no 1/t", bound="any", detail="a net that puts out u is not divided by t")
    finding = at_most(
        100 * share,
        100 * SMALL_SHARE,
        unit="% of the samples",
        detail=f"sampler {sampler_t_min:g}, clamp {clamp_t_min:g}: 1/t is at most {1 / clamp_t_min:.4g}; below the "
        "clamp x-prediction is biased by 1 - t/t_min",
        passing_value=f"time_sampling.t_min={clamp_t_min:g}",
        severity=Severity.WARN if share <= LARGE_SHARE else Severity.BLOCK,
    )
    return told_where(finding, not share <= 0)


LAWS = (
    Law(
        id="TIME-001",
        title="ordered times",
        statement="Every sample has 0 <= r <= t <= 1 and t >= t_min.",
        equation=r"0 \le r \le t \le 1,\quad t \ge t_{\min}",
        sources=(meanflow("section 4.3, time samplers"), review("section 4.4")),
        severity=Severity.BLOCK,
        predicate=ordered_times,
        example={"smallest_r": 0.0, "smallest_gap": 0.0, "smallest_t": 0.05, "largest_t": 1.0, "t_min": 0.05},
        counterexample={"smallest_r": 0.1, "smallest_gap": -0.2, "smallest_t": 0.1, "largest_t": 0.9, "t_min": 0.05},
        remedy="Sort the pair, then clamp t to [t_min, 1].",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("T3", "T4"),
    ),
    Law(
        id="TIME-002",
        title="share of r = t",
        statement="The share of samples with r = t is data_proportion, however they are cut into batches and ranks.",
        equation=r"\bigl|\#\{r = t\} - p\,n\bigr| < 1 \text{ in any window of } n \text{ samples}",
        sources=(
            meanflow("section 4.3, ratio of r != t"),
            review("section 3.3, RC3"),
            public_code("time_sampler.py:70"),
        ),
        severity=Severity.BLOCK,
        predicate=fm_share,
        example={"fm_samples": 12, "samples": 16, "data_proportion": 0.75},
        counterexample={"fm_samples": 0, "samples": 16, "data_proportion": 0.25},
        remedy="Assign r = t by the global sample index, in updates that hold both kinds.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY, Enforcer.RUNTIME, Enforcer.GOLDEN}),
        kills=("T1", "T2"),
    ),
    Law(
        id="TIME-003",
        title="distribution of t",
        statement="The drawn t follow the stated distribution: the larger of two logit-normal times, alike or not.",
        equation=r"P(t \le q) = F_1(q)\,F_2(q),\quad F_i(q) = \Phi\bigl((\mathrm{logit}\,q - \mu_i)/\sigma_i\bigr)",
        sources=(meanflow("section 4.3, time samplers"), improved_meanflow("code, imf.py:130")),
        severity=Severity.BLOCK,
        predicate=time_distribution,
        example={"statistic": 0.01, "samples": 10_000},
        counterexample={"statistic": 0.1, "samples": 10_000},
        remedy="Draw two logit-normal times and take the larger one as t.",
        enforcers=frozenset({Enforcer.PROPERTY}),
        kills=("T3",),
    ),
    Law(
        id="TIME-004",
        title="few t below the clamp",
        statement="At most 1 % of the samples are drawn where the clamp of 1/t biases the target of an x-prediction.",
        equation=r"P(t < t_{\min}^{\mathrm{clamp}}) \le 0.01",
        sources=(review("section 4.4, the clamp and the sampler"), pixel_meanflow("x-prediction, clip of t")),
        severity=Severity.BLOCK,
        predicate=clamped_share,
        example={"share": 0.0, "sampler_t_min": 0.05, "clamp_t_min": 0.05},
        counterexample={"share": 0.3, "sampler_t_min": 0.001, "clamp_t_min": 0.05},
        remedy="Give time_sampling.t_min the value of meanflow.t_min.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("T4", "N3"),
    ),
    Law(
        id="TIME-007",
        title="MF samples are drawn",
        statement="Some samples have r < t: nothing else trains the average velocity that one step asks for.",
        equation=r"P(r < t) > 0",
        sources=(meanflow("Table 1a, ratio of r != t"),),
        severity=Severity.BLOCK,
        predicate=mean_flow_samples,
        example={"share": 0.25},
        counterexample={"share": 0.0},
        remedy="Lower time_sampling.data_proportion; 0.75 is published for ImageNet.",
        enforcers=frozenset({Enforcer.STATIC}),
    ),
)
