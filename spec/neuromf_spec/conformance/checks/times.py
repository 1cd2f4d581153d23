"""The drawn times: in order, in their share, from their distribution (laws TIME-001 .. TIME-004, TIME-007)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuromf_spec.conformance.bench import Bench
from neuromf_spec.conformance.declaration import TimeSampler
from neuromf_spec.conformance.judging import by_finding, by_number
from neuromf_spec.conformance.verdict import Result, Status, TimesCall
from neuromf_spec.reference.time_distribution import LogitNormalPair
from neuromf_spec.registry import law

Array = NDArray[np.float64]
SAMPLES, MOST_CALLS = 20_000, 500
EQUAL = 1e-6
"""Times nearer than that are one time: float32 leaves 1e-7 between t and 1 - (1 - t)."""
TURNED = (
    "exchange r and t: every pair is in order the other way round; t is the time of the point, r is nearer the data"
)
DEVIATIONS = 4.9
"""Standard deviations of a share that one run in a million exceeds."""


@dataclass(frozen=True)
class Drawn:
    """Times of many samples, in the suite's convention.

    Attributes:
        r: starts.
        t: ends.
        count: samples of a call of the code.
        seeds: of the calls.
    """

    r: Array
    t: Array
    count: int
    seeds: tuple[int, ...]

    @property
    def is_fm(self) -> NDArray[np.bool_]:
        """Samples with r = t."""
        return np.abs(self.t - self.r) <= EQUAL

    @property
    def by_coin(self) -> bool:
        """Whether each of many calls has r = t in all of its samples or in none, and there are calls of both kinds."""
        calls = self.is_fm.reshape(len(self.seeds), -1) if len(self.t) % len(self.seeds) == 0 else self.is_fm[None]
        same = calls.all(axis=1) | ~calls.any(axis=1)
        return calls.shape[1] > 1 and bool(same.all()) and bool(calls.any()) and not bool(calls.all())

    def sorted(self) -> Drawn:
        """With each pair in order."""
        return replace(self, r=np.minimum(self.r, self.t), t=np.maximum(self.r, self.t))

    def shown(self, expression: str, law: str) -> tuple[TimesCall, ...]:
        """The same draws again, and one number of them."""
        return (TimesCall(count=self.count, seeds=self.seeds, shown=expression, law=law),)


def drawn_times(bench: Bench) -> list[Result]:
    """Everything that is said of the times, from one large draw."""
    declared = bench.declared.times
    if bench.subject.times is None or declared is None:
        return []
    drawn = _draw(bench, declared)
    results = [_order(drawn, declared)]
    if bench.declared.prediction == "x":
        results.append(_below_clamp(bench, drawn, declared))
    drawn = drawn.sorted()
    return [*results, _share(drawn, declared), _some_mean_flow(drawn), _distribution(drawn, declared)]


def _draw(bench: Bench, declared: TimeSampler) -> Drawn:
    assert bench.subject.times is not None
    calls = min(-(-SAMPLES // declared.batch), MOST_CALLS)
    first = bench.seed * MOST_CALLS  # no call of one seed is a call of another
    seeds = tuple(range(first, first + calls))
    pairs = [bench.subject.times(declared.batch, seed) for seed in seeds]
    r, t = (np.concatenate([np.asarray(pair[side], dtype=float).ravel() for pair in pairs]) for side in (0, 1))
    own = (r, t) if bench.declared.data_at == 0 else (1 - r, 1 - t)
    return Drawn(*own, declared.batch, seeds)


def _order(drawn: Drawn, declared: TimeSampler) -> Result:
    gap = drawn.t - drawn.r
    finding = law("TIME-001").predicate(
        smallest_r=float(drawn.r.min() + EQUAL),
        smallest_gap=float(gap.min() + EQUAL),
        smallest_t=float(drawn.t.min() + EQUAL),
        largest_t=float(drawn.t.max() - EQUAL),
        t_min=declared.t_min,
    )
    unsorted, early = int((gap < -EQUAL).sum()), int((drawn.t < declared.t_min - EQUAL).sum())
    outside = int(((drawn.r < -EQUAL) | (drawn.t > 1 + EQUAL)).sum())
    turned = unsorted == int((np.abs(gap) > EQUAL).sum())
    pair = TURNED if turned else "sort the pair"
    wrong = {pair: unsorted, "clamp t to the declared t_min": early, "keep times in [0, 1]": outside}
    repair = max(wrong, key=lambda name: wrong[name])
    detail = f"of {len(gap)} samples {unsorted} have r > t and {early} have t below {declared.t_min:g}"
    numbers = {
        pair: ("(t - r).min()", ">= 0"),
        "clamp t to the declared t_min": ("t.min()", f">= {declared.t_min:g}"),
        "keep times in [0, 1]": ("r.min(), t.max()", "within [0, 1]"),
    }
    return by_finding("TIME-001", "order", finding, repair, detail=detail, trials=drawn.shown(*numbers[repair]))


def _below_clamp(bench: Bench, drawn: Drawn, declared: TimeSampler) -> Result:
    clamp = bench.declared.t_min
    share = float((drawn.t < clamp - EQUAL).mean())
    finding = law("TIME-004").predicate(share=share, clamp_t_min=clamp or 1e-9, sampler_t_min=declared.t_min)
    shown = drawn.shown(f"(t < {clamp - EQUAL!r}).mean()", "0")
    repair = "draw no t below the clamp of 1/t"
    return by_finding("TIME-004", "share below the clamp", finding, repair, trials=shown)


def _share(drawn: Drawn, declared: TimeSampler) -> Result:
    """The share on average, and then how closely a window holds it."""
    share, asked = float(drawn.is_fm.mean()), declared.data_proportion
    draws = len(drawn.seeds) if drawn.by_coin else len(drawn.t)
    limit = DEVIATIONS * np.sqrt(max(asked * (1 - asked), 1e-6) / draws) + 1 / len(drawn.t)
    detail = f"{share:.4f} of {len(drawn.t)} samples have r = t, {asked:g} are declared"
    if drawn.by_coin:
        detail += f"; each of {draws} calls has r = t in all of its samples or in none"
        if declared.share_is != "per_call" and abs(share - asked) <= limit:
            repair = "decide for each sample and not for a whole call, or declare `share_is` per_call"
            shown = drawn.shown(f"set(np.mean(abs(t - r).reshape(-1, {drawn.count}) <= {EQUAL}, axis=1))", "not 0")
            return by_number("TIME-002", "share", 1.0, 0.0, detail=detail, repair=repair, trials=shown)
    whole = np.floor(asked * declared.batch) / declared.batch
    if not abs(share - asked) <= limit:
        repair = f"draw r = t for the declared share, or declare {share:.4f}"
        if abs(share - (1 - asked)) <= limit:
            repair = "declare the share of r = t; the code's number is that of r < t"
        elif abs(share - whole) <= 1 / len(drawn.t):
            repair = f"assign r = t by the sample's place in the run: int(p B) of B = {declared.batch} is {whole:.4f}"
        shown = drawn.shown(f"(abs(t - r) <= {EQUAL}).mean()", f"{asked:g}")
        off = abs(share - asked)
        return by_number("TIME-002", "share", off, float(limit), detail=detail, repair=repair, trials=shown)
    walk = np.concatenate([[0.0], np.cumsum(drawn.is_fm - asked)])
    window = float(walk.max() - walk.min())
    holds = by_number("TIME-002", "share", abs(share - asked), float(limit), detail=detail)
    if window < 1 + 1e-9:
        return holds
    detail += f"; a window of them is off by {window:.3g} samples, by law by less than 1"
    if declared.share_is == "exact":
        repair = "assign r = t by the sample's place in the run, or declare that the share is `random`"
        shown = drawn.shown(f"np.ptp(np.cumsum([0, *((abs(t - r) <= {EQUAL}) - {asked!r})]))", "< 1")
        return by_number("TIME-002", "share", window, 1.0, detail=detail, repair=repair, trials=shown)
    return replace(holds, status=Status.DECLARED, value=window, bound="< 1", detail=detail)


def _some_mean_flow(drawn: Drawn) -> Result:
    finding = law("TIME-007").predicate(share=float(1 - drawn.is_fm.mean()))
    shown = drawn.shown(f"(t - r > {EQUAL}).mean()", "> 0")
    return by_finding("TIME-007", "some r < t", finding, "draw r < t for some samples", trials=shown)


def _distribution(drawn: Drawn, declared: TimeSampler) -> Result:
    """Kolmogorov and Smirnov's distance of t, of both kinds of samples."""
    kinds = {"r = t": drawn.t[drawn.is_fm], "r < t": drawn.t[~drawn.is_fm]}
    worst, kind, finding = -1.0, "", None
    for name, times in kinds.items():
        if len(times) < 100:
            continue
        statistic = _distance(times, _cdf(declared, name), declared.t_min)
        found = law("TIME-003").predicate(statistic=statistic, samples=len(times))
        excess = statistic * np.sqrt(len(times))
        if excess > worst:
            worst, kind, finding = excess, name, found
    assert finding is not None
    repair = "" if finding.passed else _other_distribution(kinds[kind], declared)
    detail = f"distance of the drawn t of samples with {kind} from the declared distribution; {finding.detail}"
    limit = float(finding.bound.removeprefix("<= "))
    rows = f"np.maximum(r, t)[abs(t - r) {'<=' if kind == 'r = t' else '>'} {EQUAL}]"
    cdf = _cdf(declared, kind)
    at = max((0.1, 0.3, 0.5, 0.7, 0.9), key=lambda q: abs((kinds[kind] <= q).mean() - float(cdf(np.array(q)))))
    shown = drawn.shown(f"({rows} <= {at}).mean()", f"{float(cdf(np.array(at))):.4f}")
    return by_number(
        "TIME-003", "distribution", float(finding.value), limit, detail=detail, repair=repair, trials=shown
    )


Cdf = Callable[[Array], Array]


def _cdf(declared: TimeSampler, kind: str) -> Cdf:
    pair = LogitNormalPair(declared.mu, declared.sigma, declared.r_mu, declared.r_sigma)
    uniform = declared.distribution == "uniform"
    if kind == "r = t":
        if declared.fm_time == "single":
            return (lambda q: q) if uniform else pair.times[0].cdf
        return (lambda q: q**2) if uniform else pair.t_cdf
    share = 1.0 if uniform else declared.uniform_fraction
    return lambda q: (1 - share) * pair.t_cdf(q) + share * q**2


def _distance(times: Array, cdf: Cdf, t_min: float) -> float:
    """Largest distance of two distribution functions, above the floor where the declared one has a step."""
    ordered = np.sort(times)
    expected = cdf(np.clip(ordered, 0.0, 1.0))
    count = len(ordered)
    above, below = np.arange(1, count + 1) / count - expected, expected - np.arange(count) / count
    free = ordered > t_min + EQUAL
    return float(max(above[free].max(initial=0.0), below[free].max(initial=0.0)))


def _other_distribution(times: Array, declared: TimeSampler) -> str:
    pair = LogitNormalPair(declared.mu, declared.sigma, declared.r_mu, declared.r_sigma)
    mirrored = LogitNormalPair(-declared.mu, declared.sigma)
    others: list[tuple[Cdf, str]] = [
        (pair.times[0].cdf, "take the larger of two draws for t; here it is one draw"),
        (pair.t_cdf, "declare that t is the larger of two draws here too, or draw it once"),
        (pair.r_cdf, "take the larger of the two draws for t and not the smaller"),
        (lambda q: q, "draw a logit-normal t, or declare a uniform one"),
        (lambda q: q**2, "draw a logit-normal pair, or declare a uniform one"),
        (mirrored.t_cdf, "turn the sign of mu, or declare `data_at`"),
        (mirrored.r_cdf, "turn the sign of mu, or declare `data_at`"),
    ]
    for cdf, repair in others:
        statistic = _distance(times, cdf, declared.t_min)
        if law("TIME-003").predicate(statistic=statistic, samples=len(times)).passed:
            return repair
    return ""
