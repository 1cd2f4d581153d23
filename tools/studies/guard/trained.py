"""The study's parts about trainings, as text."""

from __future__ import annotations

import pandas as pd

from tools.studies.guard.epochs import first_speakers, first_steps, halts, spread
from tools.studies.guard.longer import KINDS
from tools.studies.guard.rules import LONGER, REAL, is_warning
from tools.studies.guard.section import StudySection, counts, share


def real_sections(real: pd.DataFrame) -> list[StudySection]:
    """Short trainings: what each rule said, and what it came near to."""
    healthy, exploding = (real[real["kind"] == kind] for kind in ("healthy", "exploding"))
    alarms = [
        {
            "rule": rule,
            "healthy, false": share(healthy, [rule]),
            "exploding, heard": share(exploding, [rule]),
            "first of all": first_speakers(exploding, REAL).get(rule, 0),
            "step": spread(first_steps(exploding, [rule])),
        }
        for rule in REAL
    ]
    words = {
        "largest_ratio": "largest MF / FM loss of a block",
        "largest_rho": "largest rho of a step",
        "largest_level": "largest total of a block, x predicting nothing",
        "largest_flow": "largest FM loss of a block, x predicting nothing",
        "last_level": "last total, x predicting nothing",
        "step_noise": "noise of a step, log units",
    }
    extremes = [
        {"quantity": text, "healthy": _range(healthy[name]), "exploding": _range(exploding[name])}
        for name, text in words.items()
    ]
    return [
        StudySection("Real trainings: which rule spoke, and when", pd.DataFrame(alarms)),
        StudySection("Real trainings: smallest, median and largest", pd.DataFrame(extremes)),
    ]


def _range(values: pd.Series[float]) -> str:
    return f"{values.min():.3g}, {values.median():.3g}, {values.max():.3g}"


def longer_section(longer: pd.DataFrame) -> StudySection:
    """Kept trainings of 60 and 225 epochs, by what became of them."""
    rows = []
    for kind in [kind for kind in KINDS if kind in set(longer["kind"])]:
        runs = longer[longer["kind"] == kind]
        rows.append(
            {
                "trainings": kind,
                "epochs each": ", ".join(str(epochs) for epochs in sorted(runs["epochs"].unique())),
                "warned": share(runs, [rule for rule in LONGER if is_warning(rule)]),
                "halted": share(runs, halts(LONGER)),
                "first word": spread(first_steps(runs, LONGER)),
                "by": counts(runs, LONGER),
                "halted at": spread(first_steps(runs, halts(LONGER))),
                "by ": counts(runs, halts(LONGER)),
                "noise of a block, log units": _range(runs["block_noise"]),
                "last level, x predicting nothing": _range(runs["last_level"]),
            }
        )
    return StudySection("Longer trainings, kept in golden/replay: epochs, median (5 %..95 %)", pd.DataFrame(rows))
