"""All checks of a code, in the order in which each knows what the ones before it found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from neuromf_spec.conformance.bench import Bench, NoGradientError
from neuromf_spec.conformance.checks import (
    average,
    derivative,
    gradient,
    identity,
    network,
    path,
    sampler,
    samples,
    schedule,
    times,
    weighting,
)
from neuromf_spec.conformance.conduct import conduct_of
from neuromf_spec.conformance.judging import told_error
from neuromf_spec.conformance.subject import Subject
from neuromf_spec.conformance.verdict import Result, Status


@dataclass(frozen=True)
class SuiteCheck:
    """A check and what it judges.

    Attributes:
        facts: law and fact of its results, the first of which stands for it where it cannot run.
        run: the check.
        of: what of the code it needs.
    """

    facts: tuple[tuple[str, str], ...]
    run: Callable[[Bench], list[Result]]
    of: str = "loss"


TIME_FACTS = (
    ("TIME-001", "order"),
    ("TIME-002", "share"),
    ("TIME-003", "distribution"),
    ("TIME-004", "share below the clamp"),
    ("TIME-007", "some r < t"),
)
SAMPLER_FACTS = (("ID-001", "one step of the sampler"), ("ID-001", "4 steps of the sampler"))
CHECKS = (
    SuiteCheck((("JVP-002", "detached"),), gradient.gradient_flows),
    SuiteCheck((("BATCH-002", "batch size"),), samples.cut),
    SuiteCheck((("PATH-001", "point"),), path.point),
    SuiteCheck((("PRED-001", "clamp"),), path.clamp),
    SuiteCheck((("PATH-001", "velocity"),), path.velocity),
    SuiteCheck((("ID-001", "guided velocity"),), identity.guided_velocity),
    SuiteCheck((("NET-001", "times"), ("ID-001", "times")), network.times_shown),
    SuiteCheck((("ID-002", "correction at r = t"),), derivative.irrelevant),
    SuiteCheck((("JVP-001", "du/dt"),), derivative.derivative),
    SuiteCheck((("JVP-002", "detached"),), gradient.detached),
    SuiteCheck((("ID-001", "objective"),), identity.objective),
    SuiteCheck((("WGT-001", "weight"), ("WGT-003", "reduction")), weighting.weighting),
    SuiteCheck((("LOSS-001", "company and order"),), samples.alone),
    SuiteCheck((("PRED-002", "loss of a zero output"),), samples.value),
    SuiteCheck(TIME_FACTS, times.drawn_times, "times"),
    SuiteCheck(SAMPLER_FACTS, sampler.sampled, "sample"),
    SuiteCheck((("EMA-001", "average"),), average.averaged, "average"),
    SuiteCheck((("LR-001", "first step"), ("LR-002", "every step")), schedule.scheduled, "rate"),
)  # fmt: skip
"""Path and batch first, for what is wrong there would be taken for faults of all that comes after."""


def judged_laws() -> tuple[str, ...]:
    """Ids of the laws that the suite judges, sorted."""
    return tuple(sorted({law_id for check in CHECKS for law_id, _ in check.facts}))


def judged_facts() -> tuple[str, ...]:
    """Facts of laws that a check stands for, as `law fact`."""
    return tuple(f"{law_id} {fact}" for check in CHECKS for law_id, fact in check.facts)


def judge(make: Callable[[], Subject], *, seed: int = 0, laws: Iterable[str] = ()) -> list[Result]:
    """Judge a code.

    Args:
        make: makes the code anew for each check, so that what one leaves behind does not meet the next.
        seed: of all draws.
        laws: ids of the laws to report; all where empty. What comes before them is judged all the same.
    """
    wanted = set(laws)
    subject = make()
    bench = Bench(subject, conduct_of(subject.declared), seed)
    found: list[Result] = []
    for check in CHECKS:
        began = time.perf_counter()
        bench.subject = make()
        results = _run(check, bench)
        seconds = (time.perf_counter() - began) / max(len(results), 1)
        found += [_excused(replace(result, seconds=seconds), bench) for result in results]
    return [result for result in found if not wanted or result.law_id in wanted]


def _run(check: SuiteCheck, bench: Bench) -> list[Result]:
    law_id, fact = check.facts[0]
    if getattr(bench.subject, check.of) is None:
        return [_without(law_id, fact, f"the adapter hands over no `{check.of}`") for law_id, fact in check.facts]
    if check.of == "loss" and not bench.has_gradient:
        detail = "no gradient reaches the network, see JVP-002"
        return [Result(law_id=law_id, fact=fact, status=Status.CANNOT_RUN, detail=detail)]
    try:
        results = check.run(bench)
    except NoGradientError as error:
        return [Result(law_id=law_id, fact=fact, status=Status.UNEXPLAINED, detail=str(error))]
    except Exception as error:
        return [Result(law_id=law_id, fact=fact, status=Status.CANNOT_RUN, detail=told_error(error))]
    if not results and check.run is not gradient.gradient_flows:
        return [_without(law_id, fact, "the code declares nothing that it speaks of") for law_id, fact in check.facts]
    return results


def _without(law_id: str, fact: str, detail: str) -> Result:
    return Result(law_id=law_id, fact=fact, status=Status.NOT_APPLICABLE, detail=detail)


def _excused(result: Result, bench: Bench) -> Result:
    """A law from which the code departs with a stated reason does not fall."""
    given = bench.declared.deviations
    reason = given.get(result.key, given.get(result.law_id, ""))
    if not reason or result.status not in (Status.FALLS, Status.UNEXPLAINED):
        return result
    return replace(result, status=Status.DECLARED, detail=f"{result.detail}; declared: {reason}")
