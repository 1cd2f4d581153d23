"""The verdict of a golden case on the present code: whether its trace still equals the golden one, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from neuromf.comparison.comparator import Comparison, ComparisonVerdict, Tolerance, compare
from neuromf.comparison.message import Context, explain
from neuromf.golden.case import GoldenCase
from neuromf.golden.contract import contract_problems
from neuromf.golden.environment import environment
from neuromf.golden.runner import CaseRun, run_steps, threads
from neuromf.golden.store import golden_table, provenance, tolerance_frame
from neuromf.golden.tolerances import tolerances_from


class CaseOutcome(StrEnum):
    """Verdict on a case; the text is what the user reads."""

    PASS = "PASS"
    REGRESSED = "REGRESSED"
    CONTRACT = "CONTRACT"
    NONFINITE = "NONFINITE"
    UNKNOWN_PLATFORM = "UNKNOWN-PLATFORM"
    ENV_DRIFT = "ENV-DRIFT"


@dataclass(frozen=True)
class CaseVerdict:
    """A case compared with its golden.

    Attributes:
        name: of the case.
        outcome: the answer.
        comparison: cell by cell.
        environment_changes: what differs from where the golden was made, as (then, now).
        text: what is printed.
    """

    name: str
    outcome: CaseOutcome
    comparison: Comparison
    environment_changes: dict[str, tuple[str, str]]
    text: str


def judge_case(case: GoldenCase, run: CaseRun | None = None) -> CaseVerdict:
    """Run a case and compare it with its golden.

    A difference on another platform than the golden's may come from the code or from the platform;
    `python -m tools golden attribute` finds out which.

    Args:
        case: the case.
        run: its run, made here when None.

    Raises:
        InputError: a file of the golden is missing or damaged.
    """
    golden, tolerances, origin = golden_table(case), tolerances_from(tolerance_frame(case)), provenance(case)
    problems = contract_problems(case.folder, case.config)
    if problems:
        comparison = Comparison(ComparisonVerdict.CONTRACT, 0, problem="; ".join(problems[:3]))
        return _verdict(case, CaseOutcome.CONTRACT, comparison, {}, tolerances={})
    if run is None:
        with threads(1):
            run = run_steps(case.config, case.contract.steps)
    comparison = compare(run.table, golden, tolerances)
    here = environment()
    changes = {key: (then, here.get(key, "")) for key, then in origin["environment"].items() if here.get(key) != then}
    outcome = CaseOutcome(comparison.verdict.value)
    if outcome is CaseOutcome.REGRESSED and changes:
        outcome = CaseOutcome.UNKNOWN_PLATFORM
    return _verdict(case, outcome, comparison, changes, tolerances)


def _verdict(
    case: GoldenCase,
    outcome: CaseOutcome,
    comparison: Comparison,
    changes: dict[str, tuple[str, str]],
    tolerances: dict[str, Tolerance],
) -> CaseVerdict:
    failing = outcome is not CaseOutcome.PASS
    command = f"neuromf golden {'attribute' if outcome is CaseOutcome.UNKNOWN_PLATFORM else 'diff'} {case.name}"
    name = f"golden case {case.name}"
    context = Context(name, tolerances, config_changes={}, next_command=command, verdict=outcome.value)
    text = explain(comparison, context)
    if failing and changes:
        moved = "; ".join(f"{key} {then} -> {now}" for key, (then, now) in changes.items())
        text += f"  environment: {moved}\n"
    elif failing:
        text += "  environment: as it was\n"
    return CaseVerdict(case.name, outcome, comparison, changes, text)
