"""From a number or a pair of signs to a result."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from neuromf_spec.conformance.bench import Bench
from neuromf_spec.conformance.conduct import Conduct
from neuromf_spec.conformance.probe import FOUND, Explanation, KnobProbe, changes_sign, explained, measured_root, root
from neuromf_spec.conformance.verdict import LossCall, Result, Status, Trial
from neuromf_spec.law import Finding


def told_error(error: Exception) -> str:
    """An error of the code or its adapter in one line, with the place that raised it."""
    told = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    frames = traceback.extract_tb(error.__traceback__)
    return f"{told} ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else told


def by_number(
    law_id: str,
    fact: str,
    value: float,
    limit: float,
    *,
    detail: str,
    repair: str = "",
    trials: tuple[Trial, ...] = (),
) -> Result:
    """Judge a number that is small where the law holds; one that is not falls where a repair is known."""
    holds = bool(value <= limit)
    return Result(
        law_id=law_id,
        fact=fact,
        status=_status(holds=holds, repair=repair),
        value=value,
        bound=f"<= {limit:.3g}",
        detail=detail,
        repair="" if holds else repair,
        trials=() if holds else trials,
    )


def _status(*, holds: bool, repair: str) -> Status:
    """What does not hold falls where a repair is known, and is unexplained elsewhere."""
    if holds:
        return Status.HOLDS
    return Status.FALLS if repair else Status.UNEXPLAINED


def by_finding(
    law_id: str, fact: str, finding: Finding, repair: str, *, detail: str = "", trials: tuple[Trial, ...] = ()
) -> Result:
    """What a law's own predicate found; what does not pass falls where a repair is known."""
    return Result(
        law_id=law_id,
        fact=fact,
        status=_status(holds=finding.passed, repair=repair),
        value=finding.value,
        bound=f"{finding.bound} {finding.unit}".strip(),
        detail=detail or finding.detail,
        repair="" if finding.passed else repair,
        trials=() if finding.passed else trials,
    )


def by_sign(
    bench: Bench,
    law_id: str,
    fact: str,
    probes: Sequence[KnobProbe],
    *,
    judged: Conduct | None = None,
    changes: Callable[[list[float]], list[Explanation]],
) -> tuple[Result, Explanation | None]:
    """Judge whether the residual vanishes where it must, and look for the change that explains it where it does not.

    Args:
        bench: the code.
        law_id: id of the law.
        fact: which of the things that it says.
        probes: networks, samples and knobs.
        judged: the conduct that the law asks for; None is what is known of the code so far.
        changes: of the measured roots, what might explain them, the likeliest first.
    """
    conduct, allowed = judged or bench.conduct, bench.declared.allowed
    tried = [changes_sign(bench, probe, conduct, allowed) for probe in probes]
    if all(right for right, _ in tried):
        detail = f"the residual vanishes where it must, to {allowed:g} of its parts, at {len(probes)} points"
        return by_number(law_id, fact, allowed, allowed, detail=detail), None
    wrong = next(kept for right, kept in tried if not right)
    zeros = [root(conduct, probe) for probe in probes]
    found = [measured_root(bench, probe, zero) for probe, zero in zip(probes, zeros, strict=True)]
    roots = [value for value in found if value is not None]
    if len(roots) < len(probes):
        detail = f"the gradient of `{probes[0].knob}` changes its sign nowhere near {zeros[0].value:.6g}, where it must"
        return _fallen(law_id, fact, float("nan"), allowed, detail, "", wrong), None
    apart = [zero.distance(value) for zero, value in zip(zeros, roots, strict=True)]
    worst = max(range(len(apart)), key=lambda place: apart[place])
    off, shown = apart[worst], wrong if tried[worst][0] else tried[worst][1]
    # What lies so near the law is rounding: whatever would explain it cannot be told from the law itself.
    change = None if off <= max(FOUND, allowed) else explained(probes, roots, changes(roots), allowed)
    knob = probes[worst].knob
    detail = f"the residual vanishes at `{knob}` = {roots[worst]:.9g}, by law at {zeros[worst].value:.9g}"
    return _fallen(law_id, fact, off, allowed, detail, change.repair if change else "", shown), change


def _fallen(
    law_id: str, fact: str, value: float, limit: float, detail: str, repair: str, trials: tuple[LossCall, ...]
) -> Result:
    # A root that is measured again may lie within the bound that its signs missed.
    beyond = value if not value <= limit else float("nan")
    return by_number(law_id, fact, beyond, limit, detail=detail, repair=repair, trials=trials)
