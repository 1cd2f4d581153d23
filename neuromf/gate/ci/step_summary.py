"""The gate's findings as Markdown, for the summary that GitHub shows of a step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from neuromf.counted import counted
from neuromf.gate.ci.findings import JudgedConfig, PlacedFinding
from neuromf.gate.ci.workflow_commands import shown_path
from neuromf.readable import readable

LARGEST = 1_000_000
"""Bytes of a summary. GitHub shows nothing of one beyond 1 MiB (1,048,576)."""
HEADINGS = ("PASS", "BLOCKED", "NOT JUDGED")
"""By exit code."""
_HEAD = "| law | level | found | bound | where | what it means |\n|---|---|---|---|---|---|\n"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$-])")


def step_summary(configs: Sequence[JudgedConfig], *, taken: int = 0) -> str:
    """Markdown: a heading with the number of configurations that pass, and for each a table of what it breaks.

    Args:
        configs: judged, or not to be judged.
        taken: bytes that stand in the summary already.
    """
    codes = [config.exit_code for config in configs]
    names = zip(("passed", "blocked", "not judged"), (codes.count(code) for code in (0, 1, 2)), strict=True)
    parts = [f"## neuromf gate: {', '.join(f'{number} {name}' for name, number in names if number)}\n"]
    parts += [part for config in configs for part in _config(config)]
    return _cut(parts, LARGEST - taken)


def _config(config: JudgedConfig) -> Iterator[str]:
    """A heading with the head of a table, then a row at a time."""
    heading = f"\n### {HEADINGS[config.exit_code]}: {_plain(config.name)}\n\n"
    if config.verdict is None:
        where = shown_path(config.place)
        line = f" ({_plain(where)}:{config.place.line})" if where else ""
        yield f"{heading}{_plain(config.error.sentence if config.error else '')}{line}\n"
        return
    judged = f"{counted(len(config.verdict.laws()), 'law')} judged.\n"
    yield heading + judged + ("\n" + _HEAD if config.findings else "")
    for finding in config.findings:
        yield _row(finding)


def _row(finding: PlacedFinding) -> str:
    result, place = finding.result, finding.place
    cells = (
        f"{result.law_id} {result.title}",
        "waived" if finding.waiver else finding.level,
        result.found,
        result.bound,
        f"{shown_path(place)}:{place.line}" if place.file else "",
        f"{finding.waiver}. {finding.text}" if finding.waiver else finding.text,
    )
    return f"| {' | '.join(map(_plain, cells))} |\n"


def _plain(text: str) -> str:
    """Text on one line, nothing of which is Markdown or HTML."""
    return _MARKDOWN.sub(r"\\\1", " ".join(readable(text).split()))


def _cut(parts: Sequence[str], room: int) -> str:
    """As many parts as there is room for, and a line on the rest; nothing where not even that fits."""
    whole = "".join(parts)
    if len(whole.encode()) <= room:
        return whole
    rest = "\nmore findings are in the log\n"
    kept, left = [], room - len(rest)
    for part in parts:
        left -= len(part.encode())
        if left < 0:
            break
        kept.append(part)
    return "".join(kept) + rest if room >= len(rest) else ""
