"""The page of what the laws say of public codes, from verdicts and from what was checked by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from neuromf.gate.result import format_value
from tools.foreign.codes import Code, ReadFinding

MANY = 3
"""Laws that one error stops, from which on they are counted and not named."""
QUIET = ("holds", "not applicable")
COUNTED = ("holds", "falls", "unexplained", "cannot run", "declared")
HEAD = """# Public MeanFlow codes against the laws

Written by `python -m tools foreign` (`nox -s conform`) from checkouts that the user points at. None of these codes is
here; their adapters are in `tools/foreign/adapters`, and `verdicts.json` holds every number. A commit with a `+` has
changed modules.

- *holds*: within rounding. *falls*: it does not, and the repair that is named makes it hold.
- *declared*: the code departs and says so, or its adapter says it for the code; no fault.
- *unexplained*: a difference that no single change explains; it may be the adapter's. *cannot run*: an error.

A law that falls says how a code differs from the mathematics, not that its samples are bad. Each line was read in the
code by hand. A share of r = t that holds on average or in each batch, and not in every window of samples, is met in
nearly all codes; it is counted as declared and not listed. Adapters switch off what would hide a law, such as dropped
labels and clips, and say so.
"""
TIMED = """## How long an adapter takes

The code of `chen-ming-yang/MeanFlowSE` had not been seen by its writer: from the clone to its first verdict it took
less than a minute on 27 November 2026 (bar: 15 minutes). The writer knew the suite, had written nine adapters, and knew
from older notes what would be found; how long it takes one who does not is not measured yet.
"""


def page(codes: Sequence[Code], verdicts: Mapping[str, Any], findings: Sequence[ReadFinding]) -> str:
    """The whole page as Markdown."""
    checked = {(finding.target, finding.key): finding for finding in findings}
    lines = [HEAD, *_summary(codes, verdicts), ""]
    for code in codes:
        lines += _section(code, verdicts, checked)
    return "\n".join([*lines, TIMED])


def _summary(codes: Sequence[Code], verdicts: Mapping[str, Any]) -> Iterator[str]:
    yield "| code | judged as | commit | date | holds | falls | unexplained | cannot run | declared |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for code in codes:
        for target in code.names():
            if verdict := verdicts.get(target):
                counts = [sum(law["status"] == status for law in verdict["laws"]) for status in COUNTED]
                cells = [code.repository, verdict["name"], f"`{verdict['commit']}`", verdict["date"], *map(str, counts)]
                yield f"| {' | '.join(cells)} |"


def told(law: Mapping[str, Any]) -> bool:
    """Whether a result is listed: it does not hold, and is no share that merely wanders."""
    wanders = law["law_id"] == "TIME-002" and law["status"] == "declared" and law["bound"] == "< 1"
    return law["status"] not in QUIET and not wanders


def _section(code: Code, verdicts: Mapping[str, Any], checked: Mapping[tuple[str, str], ReadFinding]) -> list[str]:
    rows = []
    for target in code.names():
        verdict = verdicts.get(target, {"laws": ()})
        # One error that stops many laws is one line.
        alike: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for law in filter(told, verdict["laws"]):
            alike.setdefault((law["status"], law["detail"]), []).append(law)
        for laws in alike.values():
            finding = checked.get((target, f"{laws[0]['law_id']} {laws[0]['fact']}"))
            rows.append(_row(verdict["name"], laws, finding))
    lines = [f"## {code.repository}", "", f"{code.about[0].upper()}{code.about[1:]}; {code.library}."]
    if not any(target in verdicts for target in code.names()):
        return [*lines, "Not judged yet.", ""]
    if not rows:
        return [*lines, "Every law that applies holds.", ""]
    return [
        *lines,
        "",
        "| judged as | law | status | counterexample | place | read by hand |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _row(name: str, laws: Sequence[Mapping[str, Any]], finding: ReadFinding | None) -> str:
    law = laws[0]
    shown = law["detail"] + (f" ({format_value(law['value'])}, bound {law['bound']})" if law["bound"] else "")
    repair = f"; repair: {law['repair']}" if law["repair"] and law["status"] == "falls" else ""
    place, hand = (finding.place, f"{finding.told} ({finding.checked})") if finding else ("", "not yet")
    facts = ", ".join(f"{alike['law_id']} {alike['fact']}" for alike in laws)
    named = facts if len(laws) < MANY else f"all {len(laws)} that need its loss"
    cells = [name, named, law["status"], shown + repair, place, hand]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def unchecked(verdicts: Mapping[str, Any], findings: Sequence[ReadFinding]) -> list[str]:
    """Verdicts that nobody read the code for, and findings that no verdict bears out any more."""
    seen = {
        (target, f"{law['law_id']} {law['fact']}"): law["status"]
        for target, verdict in verdicts.items()
        for law in filter(told, verdict["laws"])
    }
    known = {(finding.target, finding.key): finding.status for finding in findings}
    problems = [f"{target} {key}: {status}, checked by nobody" for (target, key), status in seen.items()
                if known.get((target, key)) != status]  # fmt: skip
    judged = [(target, key) for target, key in known if target in verdicts]
    return problems + [
        f"{target} {key}: a finding without a verdict" for target, key in judged if (target, key) not in seen
    ]
