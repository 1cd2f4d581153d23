"""`golden:CASE`: does the mixture's trace part from the golden one, and where first?

The seed is the case's own, for a golden trace is of one seed: the oracle has no noise.
"""

from __future__ import annotations

from neuromf.bisect.mixtures import nested
from neuromf.bisect.oracle import Outcome, Verdict
from neuromf.bisect.oracles.task import Task
from neuromf.config.load import validate


def check_case(name: str) -> None:
    """Refuse an unknown case."""
    from neuromf.golden.case import read_case

    read_case(name)


def golden(task: Task, name: str) -> Outcome:
    """Train the mixture for the case's steps on the golden latents, and compare with the measured tolerances."""
    from neuromf.comparison.comparator import Verdict as Agreement
    from neuromf.comparison.comparator import compare
    from neuromf.golden.case import read_case
    from neuromf.golden.runner import run_steps, threads
    from neuromf.golden.store import golden_table, tolerance_frame
    from neuromf.golden.tolerances import tolerances_from

    case = read_case(name)
    config = validate(nested({**task.config, "training.seed": case.config.training.seed}))
    with threads(1):
        made = run_steps(config, case.contract.steps)
    comparison = compare(made.table, golden_table(case), tolerances_from(tolerance_frame(case)))
    if comparison.verdict is Agreement.PASS:
        return Outcome(Verdict.HEALTHY, detail=f"{comparison.steps} steps agree")
    first = comparison.first
    where = f"step {first.step}, column {first.column}" if first is not None else comparison.problem
    return Outcome(Verdict.BROKEN, detail=f"parts first at {where}")
