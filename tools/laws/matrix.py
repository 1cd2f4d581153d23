"""MATRIX.md: one line a law, with everything that holds it."""

from __future__ import annotations

from neuromf_spec.law import Enforcer, Law
from neuromf_spec.registry import laws

from neuromf.gate.enforcement import EnforcementPlace

HEAD = """\
# The laws and who enforces them

Written by `python -m tools laws matrix --write` from the registry, the gate's checks, the marks of the tests and the
readings of the running trainer; the tests fail when it is stale. S: static check of the configuration, with the key it
blames. P: property tests in `tests/laws`. G: golden or self-relative runs in `tests/golden` and `tests/equivalence`.
R: judged while a training runs. A dash: the law names no such enforcer. `neuromf laws show ID` shows more.

| law | statement | severity | S | P | G | R | sources | kills |
|---|---|---|---|---|---|---|---|---|
"""
NONE = "–"


def matrix(found: list[EnforcementPlace]) -> str:
    """The whole page, for the places that `enforcement.places` found."""
    return HEAD + "".join(_line(law, [place for place in found if place.law_id == law.id]) for law in laws().values())


def _line(law: Law, found: list[EnforcementPlace]) -> str:
    cells = [
        f"**{law.id}** {law.title}",
        law.statement,
        law.severity.value,
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
