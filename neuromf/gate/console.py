"""Prints the gate's verdict on the console: first what blocks, then warnings and notes, last the laws that hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from neuromf.gate.result import LawResult
from neuromf.gate.verdict import GateVerdict
from neuromf.readable import printable

TABLE_WIDTH = 131
"""Columns from which a table breaks no override of a shipped recipe in two: at 130 one of `failed_225`'s is broken."""
STYLES = {
    "block": "bold red",
    "policy": "bold red",
    "warn": "yellow",
    "waived": "magenta",
    "info": "cyan",
    "pass": "green",
}
"""Colours of the statuses, the loudest first."""
CLOSING = {"block": "blocked by", "policy": "safety gear missing", "warn": "warnings", "waived": "waived"}
"""What the last line calls the laws with a status."""

WHERE = {"static": "by the configuration", "inputs": "of scans and autoencoder", "smoke": "live, in training"}
"""What passed laws were judged by, as it is printed."""


def print_verdict(console: Console, verdict: GateVerdict) -> None:
    """Print blocked laws, warnings and notes in full, passed laws in one line, then the verdict."""
    print_results(console, verdict.results)
    for where, label in WHERE.items():
        passed = [result.law_id for result in verdict.with_status("pass") if result.where == where]
        if passed:
            hold = "law holds" if len(passed) == 1 else "laws hold"
            console.print(f"{len(passed)} {hold} {label}: {', '.join(passed)}", soft_wrap=True)
    for note in verdict.notes:
        console.print(printable(note), soft_wrap=True)
    if verdict.smoke is not None:
        console.print(_smoke_line(verdict.smoke), soft_wrap=True)
    console.print(closing_line(verdict), soft_wrap=True)


def print_results(console: Console, results: Sequence[LawResult]) -> None:
    """Print what is worth reading in full, the gravest first: as a table where it fits, else as a list."""
    loud = [result for status in STYLES if status != "pass" for result in results if result.status == status]
    if loud and console.width >= TABLE_WIDTH:
        console.print(_table(loud))
    elif loud:
        _print_list(console, loud)


def _print_list(console: Console, results: list[LawResult]) -> None:
    """One law under the other, where a table's columns would break an override in two."""
    for result in results:
        head = Text(_name(result, " "), style=STYLES[result.status])
        console.print(head.append(f": {result.found}, bound {result.bound}", style="default"))
        console.print(Padding(Text(_why(result)), (0, 0, 1, 2)))


def _name(result: LawResult, separator: str) -> str:
    live = " (live)" if result.where == "smoke" else ""
    return f"{result.law_id}{live}{separator}{result.status}"


def _table(results: list[LawResult]) -> Table:
    table = Table(show_lines=True, pad_edge=False)
    for header in ("law", "found", "bound", "why, and what would pass"):
        table.add_column(header, overflow="fold", ratio=4 if header.startswith("why") else 1)
    for result in results:
        name = Text(_name(result, "\n"), style=STYLES[result.status])
        # As Text, or rich would read the brackets of a citation as markup.
        table.add_row(name, *(Text(text) for text in (result.found, result.bound, _why(result))))
    return table


def _why(result: LawResult) -> str:
    lines = [f"{result.title} [{result.source}]", result.detail, result.remedy]
    if result.passing_value:
        lines.append(" ".join(f"--set {override}" for override in result.passing_value.split()))
    if result.value_source:
        lines.append(f"{result.key} is from: {result.value_source}")
    return "\n".join(line for line in lines if line)


def _smoke_line(smoke: dict[str, Any]) -> str:
    first, last = smoke["first"], smoke["last"]
    ends = {name: [_short(first[name])] + [_short(last[name])] * (smoke["steps"] > 1) for name in first}
    moved = [f"{name} {' -> '.join(shown)}" for name, shown in ends.items() if set(shown) != {"-"}]
    ended = f"; ended early: {smoke['ended_early']}" if smoke["ended_early"] else ""
    note = f"; {smoke['note']}" if smoke.get("note") else ""
    return f"smoke training, {smoke['steps']} steps on {smoke['latents']}: {', '.join(moved)}{ended}{note}"


def _short(value: float | None) -> str:
    """A number with three digits; a step may have no sample of one term."""
    return "-" if value is None else f"{value:.3g}"


def closing_line(verdict: GateVerdict) -> Text:
    """The verdict in one line."""
    text = Text(verdict.status, style=STYLES["pass" if verdict.status == "PASS" else "block"])
    text.append(f" {printable(verdict.name)}: {len(verdict.laws())} laws judged", style="default")
    for status, label in CLOSING.items():
        if laws := verdict.laws(status):
            text.append(f"; {label}: {', '.join(laws)}", style="default")
    text.append(f"; {verdict.seconds:.1f} s", style="default")
    return text
