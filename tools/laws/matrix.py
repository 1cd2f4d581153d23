"""MATRIX.md: one line a law, with everything that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuromf_spec.law import Enforcer, Law
from neuromf_spec.registry import laws

from neuromf.gate.enforcement import EnforcementPlace
from tools.outcomes.confusion import JudgedRun, judge_runs
from tools.outcomes.published import read_runs
from tools.outcomes.tables import laws_table, rates_table, words_table

PUBLIC_CONFIGS = Path(__file__).parents[2] / "golden/public_configs"

HEAD = """\
# The laws and who enforces them

Written by `python -m tools laws matrix --write` from the registry, the gate's checks, the marks of the tests and the
readings of the running trainer; the tests fail when it is stale. S: static check of the configuration, with the key it
blames. P: property tests in `tests/laws`. G: golden or self-relative runs in `tests/golden` and `tests/equivalence`.
R: judged while a training runs. A dash: the law names no such enforcer. Severity: what breaking it does to a launch,
and what that rests on (mathematics, replays here, published runs, or a demand of the review or of this project).
`neuromf laws show ID` shows more. What the static checks say of published runs is at the end.

| law | statement | severity | S | P | G | R | sources | kills |
|---|---|---|---|---|---|---|---|---|
"""
NONE = "–"
OUTCOMES = """
## The static checks on published runs

`python -m tools.outcomes golden/public_configs` judges configurations whose outcome is published; each is there with
its source, and with what of it the schema cannot express. The rates count strong and partial evidence. The set was
seen while the severities were worked out, so these numbers flatter the gate; runs that it has not seen judge it.
Failures are published more rarely than successes, so nothing follows for how often a blocked run would have failed.
Intervals are Wilson's, 95 %.

"""


def matrix(found: list[EnforcementPlace]) -> str:
    """The whole page, for the places that `enforcement.places` found."""
    lines = (_line(law, [place for place in found if place.law_id == law.id]) for law in laws().values())
    return HEAD + "".join(lines) + OUTCOMES + outcomes_section(judge_runs(read_runs(PUBLIC_CONFIGS)))


def outcomes_section(judged: Sequence[JudgedRun]) -> str:
    """What the static checks say of published runs: the gate as a whole, then law by law."""
    return "\n".join(table(judged) for table in (rates_table, words_table, laws_table))


def _line(law: Law, found: list[EnforcementPlace]) -> str:
    cells = [
        f"**{law.id}** {law.title}",
        law.statement,
        f"{law.severity.value}, {law.basis.value}",
        *(_cell(enforcer, found) for enforcer in Enforcer),
        "; ".join(str(source) for source in law.sources),
        ", ".join(law.kills) or NONE,
    ]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def _cell(enforcer: Enforcer, found: list[EnforcementPlace]) -> str:
    mine = [place for place in found if place.enforcer is enforcer]
    if not mine:
        return NONE
    if enforcer is Enforcer.STATIC:
        return f"`{mine[0].name}`" if mine[0].name else "whole configuration"
    files = dict.fromkeys(place.file for place in mine)
    if enforcer is Enforcer.RUNTIME:
        return ", ".join(f"`{file}`" for file in files)
    counts = {file: sum(place.file == file for place in mine) for file in files}
    return ", ".join(f"`{file.rpartition('/')[2]}` ({count})" for file, count in counts.items())
