"""The four oracles of `neuromf bisect --oracle`: divergence, golden:CASE, law:ID and metric:COLUMN."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from neuromf.bisect.oracle import ProbeOutcome, ProbeVerdict, Task
from neuromf.config.load import validate
from neuromf.config.resolve import unflatten
from neuromf.config.schema import Config
from neuromf.errors import InputError, UntrustedArithmeticError
from neuromf.gate.static import CHECKS, static_findings
from neuromf.trace.average import median
from neuromf.trace.columns import COLUMNS, column_named, number_or_none


def check_case(name: str) -> None:
    """Refuse an unknown case."""
    from neuromf.golden.case import read_case

    read_case(name)


def golden(task: Task, name: str) -> ProbeOutcome:
    """Train the mixture for the case's steps on the golden latents, and compare with the measured tolerances."""
    from neuromf.comparison.comparator import ComparisonVerdict, compare
    from neuromf.comparison.message import where_different
    from neuromf.golden.case import read_case
    from neuromf.golden.runner import run_steps, threads
    from neuromf.golden.store import golden_table, tolerance_frame
    from neuromf.golden.tolerances import tolerances_from

    case = read_case(name)
    config = validate(unflatten({**task.config, "training.seed": case.config.training.seed}))
    with threads(1):
        made = run_steps(config, case.contract.steps)
    comparison = compare(made.table, golden_table(case), tolerances_from(tolerance_frame(case)))
    if comparison.verdict is ComparisonVerdict.PASS:
        return ProbeOutcome(ProbeVerdict.HEALTHY, detail=f"{comparison.steps} steps agree")
    return ProbeOutcome(ProbeVerdict.BROKEN, detail=where_different(comparison))


LIVE = ("JVP-006", "GUARD-004", "GUARD-005", "GUARD-006", "NUM-001", "OPT-002")
"""Laws that are judged in a training only, and whose violation a configuration can cause."""


def check_law(law_id: str) -> None:
    """Refuse what no configuration can be judged by."""
    if law_id not in (*CHECKS, *LIVE):
        remedy = f"use one of {', '.join(sorted((*CHECKS, *LIVE)))}"
        raise InputError(f"'{law_id}' is no law that a configuration can break", remedy=remedy, key="--oracle")


def trains(law_id: str) -> bool:
    """Whether the law can be judged in a training alone."""
    return law_id in LIVE


def law(task: Task, law_id: str) -> ProbeOutcome:
    """Judge the mixture by the law's predicate."""
    if trains(law_id):
        return _in_training(task, law_id)
    result = next((r for r in static_findings(task.mixture, {}) if r.law_id == law_id), None)
    if result is None:
        return ProbeOutcome(ProbeVerdict.HEALTHY, detail="there is nothing that the law could judge")
    broken = result.status in ("block", "policy", "warn")
    detail = f"{result.found}, bound {result.bound}"
    return ProbeOutcome(ProbeVerdict.BROKEN if broken else ProbeVerdict.HEALTHY, detail=detail)


def _in_training(task: Task, law_id: str) -> ProbeOutcome:
    from neuromf.bisect.trainings import HALTS, armed, training_latents, training_records
    from neuromf.monitor.engine import Monitor
    from neuromf.monitor.moments import latent_moments

    config = armed(task.mixture, monitors=True)
    latents = training_latents(config)
    monitor = Monitor(config, latent_moments(latents))
    step = -1
    for step, record in enumerate(training_records(config, latents, task.micro_batches, task.device)):
        for event in monitor.judge(record.row, record.verdict, record.checks):
            if event.law == law_id:
                return ProbeOutcome(ProbeVerdict.BROKEN, detail=f"step {step}: {event.message}")
        if record.verdict.level in HALTS:
            return ProbeOutcome(ProbeVerdict.UNDECIDED, detail=f"halted at step {step}: {record.verdict.message}")
    return ProbeOutcome(ProbeVerdict.HEALTHY, detail=f"holds in {step + 1} steps")


FACTOR = 2.0
"""Two runs differ when the quotient of their levels exceeds this either way, unless the user gives another factor. Four
seeds of `phase4c` at small scale differ by a factor of 1.34 at most, in eight columns (losses, gradient, update, du/dt,
u, weights)."""
LAST = 0.2
"""Share of the steps, at the end, whose median is compared."""


def read_metric(text: str) -> tuple[str, float]:
    """Column and factor.

    Raises:
        InputError: no such column of numbers, or a factor that is not above 1.
    """
    column, _, factor = text.partition(":")
    known = [entry.name for entry in COLUMNS if entry.kind == "float"]
    named = column_named(column)
    if named is None or named.kind != "float":
        remedy = f"use one of {', '.join(known)}"
        raise InputError(f"'{column}' is no column of numbers in a trace", remedy=remedy, key="--oracle")
    try:
        bound = float(factor or FACTOR)
    except ValueError:
        bound = math.nan
    if not 1 < bound < math.inf:
        raise InputError(f"'{factor}' is no factor", remedy="give a number above 1", key="--oracle")
    return column, bound


def metric(task: Task, text: str) -> ProbeOutcome:
    """Train both and compare."""
    column, factor = read_metric(text)
    ends = [_level(config, task, column) for config in (task.mixture, task.reference)]
    if ends[0] is None or ends[1] is None:
        return ProbeOutcome(ProbeVerdict.UNTESTABLE, detail=f"{column} is empty")
    quotient = ends[0] / ends[1] if ends[1] else (1.0 if ends[0] == ends[1] else math.inf)
    # `not <=` so that a NaN is a difference.
    apart = not 1 / factor <= quotient <= factor
    detail = f"{column} {ends[0]:.4g} against {ends[1]:.4g}"
    return ProbeOutcome(ProbeVerdict.BROKEN if apart else ProbeVerdict.HEALTHY, detail=detail)


def _level(config: Config, task: Task, column: str) -> float | None:
    """Median over the last steps; NaN when the guard has halted the training."""
    from neuromf.bisect.trainings import HALTS, armed, training_latents, training_records

    config = armed(config)
    records = list(training_records(config, training_latents(config), task.micro_batches, task.device))
    if records[-1].verdict.level in HALTS:
        return math.nan
    last = records[-max(1, round(LAST * len(records))) :]
    values = [value for record in last if (value := number_or_none(record.row, column)) is not None]
    return median(values) if values else None


@dataclass(frozen=True)
class OracleKind:
    """One oracle.

    Attributes:
        answer: judges a task, given what follows the colon of its name.
        check: refuses an argument that it cannot use.
        trains: whether, given the same, it trains on the configuration's own data, which may then be made smaller.
    """

    answer: Callable[[Task, str], ProbeOutcome]
    check: Callable[[str], object]
    trains: Callable[[str], bool]


def _divergence(task: Task, _: str) -> ProbeOutcome:
    from neuromf.bisect.trainings import divergence

    return divergence(task)


def _nothing(argument: str) -> None:
    if argument:
        raise InputError(f"divergence takes no '{argument}'", remedy="write --oracle divergence", key="--oracle")


def _always(_: str) -> bool:
    return True


def _never(_: str) -> bool:
    return False


KINDS = {
    "divergence": OracleKind(_divergence, _nothing, trains=_always),
    "golden": OracleKind(golden, check_case, trains=_never),
    "law": OracleKind(law, check_law, trains=trains),
    "metric": OracleKind(metric, read_metric, trains=_always),
}


def oracle_kind(text: str) -> OracleKind:
    """The oracle of a name such as `law:JVP-003`.

    Raises:
        InputError: there is no such oracle, or it cannot use what follows the colon.
    """
    name, _, argument = text.partition(":")
    if name not in KINDS:
        remedy = "use divergence, golden:CASE, law:ID or metric:COLUMN"
        raise InputError(f"'{text}' is no oracle", remedy=remedy, key="--oracle")
    KINDS[name].check(argument)
    return KINDS[name]


def answer(task: Task) -> ProbeOutcome:
    """Answer one task, with what it cost.

    A mixture that torch or the trainer cannot run is untestable, like a commit with exit code 125 in `git bisect run`.

    Raises:
        InputError: what every probe needs is not to be had, such as the data.
    """
    start = time.perf_counter()
    try:
        outcome = oracle_kind(task.oracle).answer(task, task.oracle.partition(":")[2])
    except UntrustedArithmeticError as error:  # this machine's fault, not the mixture's
        outcome = ProbeOutcome(ProbeVerdict.UNTESTABLE, detail=error.problem)
    except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        says = " ".join(str(error).split())[:200]
        outcome = ProbeOutcome(ProbeVerdict.UNTESTABLE, detail=f"{type(error).__name__}: {says}")
    return replace(outcome, cost=round(time.perf_counter() - start, 3))
