"""Oracles by the name that the command line gives them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from neuromf.bisect.oracle import Outcome, Verdict
from neuromf.bisect.oracles.golden import check_case, golden
from neuromf.bisect.oracles.law import check_law, law, trains
from neuromf.bisect.oracles.metric import metric, read_metric
from neuromf.bisect.oracles.task import Task
from neuromf.errors import InputError


@dataclass(frozen=True)
class OracleKind:
    """One oracle.

    Attributes:
        answer: judges a task, given what follows the colon of its name.
        check: refuses an argument that it cannot use.
        trains: whether, given the same, it trains on the configuration's own data, which may then be made smaller.
    """

    answer: Callable[[Task, str], Outcome]
    check: Callable[[str], object]
    trains: Callable[[str], bool]


def _divergence(task: Task, _: str) -> Outcome:
    from neuromf.bisect.oracles.divergence import divergence

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


def answer(task: Task) -> Outcome:
    """Answer one task, with what it cost.

    A mixture on which torch or the trainer gives up has no verdict, as exit code 125 has none for `git bisect run`.

    Raises:
        InputError: what every probe needs is not to be had, such as the data.
    """
    start = time.perf_counter()
    try:
        outcome = oracle_kind(task.oracle).answer(task, task.oracle.partition(":")[2])
    except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        says = " ".join(str(error).split())[:200]
        outcome = Outcome(Verdict.UNTESTABLE, detail=f"{type(error).__name__}: {says}")
    return replace(outcome, cost=round(time.perf_counter() - start, 3))
