"""The study as the table that is kept and printed."""

from __future__ import annotations

import pandas as pd

from neuromf.monitor.guard.guard import BLOCK
from neuromf.monitor.guard.initial_ratio import WINDOW
from tools.studies.guard.curves import FIRST_RECORD
from tools.studies.guard.epochs import first_epochs, halts, spread
from tools.studies.guard.noise import LEVELS, NOISES
from tools.studies.guard.plan import PLAN_SEED
from tools.studies.guard.rules import SIMULATED, is_warning
from tools.studies.guard.section import StudySection, counts, share
from tools.studies.guard.simulate import SEED, curves
from tools.studies.guard.store import GuardStudy
from tools.studies.guard.targets import USEFUL_UNTIL, targets
from tools.studies.guard.trained import longer_section, real_sections
from tools.studies.guard.wilson import RunShare


def table(study: GuardStudy) -> str:
    """The whole study as text."""
    sections = (
        _targets(study),
        _false_alarms(study.simulated),
        _detection(study.simulated),
        *real_sections(study.real),
        longer_section(study.longer),
    )
    return "\n".join((_about(study), *(section.markdown for section in sections)))


def _about(study: GuardStudy) -> str:
    noises = "; ".join(f"{n.name} {n.step:g} / {n.epoch:g} / {100 * n.outliers:g} %" for n in NOISES)
    return f"""# How often the guard is wrong, and how early it is right

Made by `python -m tools guard-study`. {len(study.simulated):,} simulated runs, seed {SEED}, and \
{len(study.real)} real trainings, plan seed {PLAN_SEED}; \
{len(study.longer)} longer ones that were kept before, on which GUARD-006's bound \
was chosen.

Noise, in log units, of a step / of an epoch / share of outliers: {noises}.

Intervals are Wilson's, 95 %. The rules judge medians of {BLOCK} steps, GUARD-001 of {WINDOW}. A run is judged up to \
its first halt. What failed_225 did before its first record, epoch {FIRST_RECORD}, is unknown: it is held at that \
record, or climbs to it from predicting nothing.
"""


def _targets(study: GuardStudy) -> StudySection:
    rows = [
        {"target": target.words, "found": target.found, "met": "yes" if target.met else "NO"}
        for target in targets(study)
    ]
    return StudySection("Targets", pd.DataFrame(rows))


def _false_alarms(simulated: pd.DataFrame) -> StudySection:
    rows = []
    for noise in NOISES:
        for name in [curve.name for curve in curves() if curve.healthy]:
            runs = simulated[(simulated["curve"] == name) & (simulated["noise"] == noise.name)]
            rows.append({"noise": noise.name, "healthy run": name, **_shares(runs)})
    healthy = simulated[simulated["curve"].isin([curve.name for curve in curves() if curve.healthy])]
    rows.append({"noise": "all", "healthy run": "all", **_shares(healthy)})
    return StudySection("False alarms in simulated healthy runs of 15,000 steps", pd.DataFrame(rows))


def _shares(runs: pd.DataFrame) -> dict[str, RunShare]:
    warnings = {f"warned by {rule[:9]}": [rule] for rule in SIMULATED if is_warning(rule)}
    return {name: share(runs, rules) for name, rules in {"halted": halts(SIMULATED), **warnings}.items()}


def _detection(simulated: pd.DataFrame) -> StudySection:
    rows = []
    for name in [curve.name for curve in curves() if not curve.healthy]:
        for noise in LEVELS:
            runs = simulated[(simulated["curve"] == name) & (simulated["noise"] == noise.name)]
            halted = first_epochs(runs, halts(SIMULATED))
            early = RunShare(int((halted < USEFUL_UNTIL).sum()), len(runs))
            by_rule = {rule: spread(first_epochs(runs, [rule])) for rule in SIMULATED if is_warning(rule)}
            rows.append(
                {
                    "run": name,
                    "noise": noise.name,
                    "first word": spread(first_epochs(runs, SIMULATED)),
                    **by_rule,
                    "halted": spread(halted),
                    "halted first by": counts(runs, halts(SIMULATED)),
                    f"halted before {USEFUL_UNTIL}": early,
                }
            )
    return StudySection("Epoch at which the recorded runs are noticed: median (5 %..95 %)", pd.DataFrame(rows))
