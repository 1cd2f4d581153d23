"""The times that the network is shown (laws NET-001 and ID-001), read from ratios of gradients."""

from __future__ import annotations

from dataclasses import replace

from neuromf_spec.conformance.bench import POLYNOMIAL, Bench, trial
from neuromf_spec.conformance.checks.matched import flow_matched
from neuromf_spec.conformance.judging import by_number
from neuromf_spec.conformance.verdict import Result, Status
from neuromf_spec.registry import law


def times_shown(bench: Bench) -> list[Result]:
    """The network depends on both times, and is shown each in its place."""
    probe = flow_matched(bench, bench.generator(4))
    r, t = float(probe.batch.r[0]), float(probe.batch.t[0])
    gradient = bench.evaluate(POLYNOMIAL, probe.parameters, probe.batch).gradient
    seen_r, seen_t = gradient["r"] / gradient["one"], gradient["t"] / gradient["one"]
    limit = 100 * bench.declared.allowed
    deaf = abs(seen_r - t) <= limit and abs(seen_t - t) <= limit
    swapped = not deaf and abs(seen_r - t) <= limit
    if deaf or swapped:
        bench.conduct = replace(bench.conduct, times="only_t" if deaf else "swapped")
    heard = law("NET-001").predicate(moved_by_t=1.0, moved_by_r=0.0 if deaf else 1.0)
    told = f"for r = {r:.6g}, t = {t:.6g} the network is shown r = {seen_r:.6g}, t = {seen_t:.6g}"
    kept = (trial(POLYNOMIAL, probe.parameters, probe.batch, "r", seen_r, f"{r:.9g}", over="one"),)
    network = Result(
        law_id="NET-001",
        fact="times",
        status=Status.HOLDS if heard.passed else Status.FALLS,
        value=heard.value,
        bound=heard.bound,
        detail=told,
        repair="" if heard.passed else "hand the network r as well as t",
        trials=() if heard.passed else kept,
    )
    if deaf:
        return [network]
    off = abs(seen_r - r)
    repair = "hand the network r and t in the order in which it takes them" if swapped else ""
    return [network, by_number("ID-001", "times", off, limit, detail=told, repair=repair, trials=kept)]
