"""Prints the verdict on another code: what falls with its repair and snippet, what is declared, what holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neuromf_spec.conformance.verdict import FAILED, Result, Status
from neuromf_spec.registry import law
from rich.console import Console
from rich.text import Text

from neuromf.conform.verdict import ORDER, ConformVerdict
from neuromf.gate.result import format_value
from neuromf.readable import printable

STYLES = {
    Status.FALLS: "bold red",
    Status.UNEXPLAINED: "bold red",
    Status.CANNOT_RUN: "yellow",
    Status.DECLARED: "magenta",
    Status.HOLDS: "green",
    Status.NOT_APPLICABLE: "dim",
}
UNEXPLAINED = "no single change that the suite knows explains it: look at the adapter first"


def print_conform_verdict(console: Console, verdict: ConformVerdict, *, snippets: bool = True) -> None:
    """Print failed laws and declared deviations in full, the others a line each kind, then the verdict.

    Args:
        console: where to.
        verdict: what is printed.
        snippets: whether the code that shows a fallen law is printed below it.
    """
    for status in ORDER[:4]:
        for result in _grouped(verdict.with_status(status)):
            _print_result(console, result)
            if snippets and result.key in verdict.snippets:
                console.print(Text(verdict.snippets[result.key], style="dim"), soft_wrap=True)
    for status in ORDER[4:]:
        if found := verdict.with_status(status):
            console.print(f"{status.value}: {', '.join(result.key for result in found)}", soft_wrap=True)
    if verdict.facts is not None:
        from neuromf.gate.facts_console import print_facts_verdict

        print_facts_verdict(console, verdict.facts)
    for outcome in verdict.one_step:
        console.print(f"trained on a {outcome}", soft_wrap=True, highlight=False)
    console.print(_closing_line(verdict), soft_wrap=True)


def _grouped(results: Sequence[Result]) -> list[Result]:
    """What cannot run for one and the same error is told once, with all its facts."""
    told: dict[str, list[Result]] = {}
    for result in results:
        told.setdefault(result.detail if result.status is Status.CANNOT_RUN else result.key, []).append(result)
    return [
        replace(same[0], fact=", ".join([same[0].fact, *(other.key for other in same[1:])])) for same in told.values()
    ]


def _print_result(console: Console, result: Result) -> None:
    line = Text(f"{result.key} {result.status.value}", style=STYLES[result.status])
    line.append(f": {printable(result.detail)}", style="default")
    if result.status not in (Status.CANNOT_RUN,):
        line.append(f" ({format_value(result.value)}, bound {result.bound})", style="default")
    console.print(line, soft_wrap=True)
    if result.status is Status.FALLS:
        console.print(f"  law: {law(result.law_id).statement}", soft_wrap=True)
        console.print(f"  repair: {printable(result.repair)}", soft_wrap=True)
    if result.status is Status.UNEXPLAINED:
        console.print(f"  {UNEXPLAINED}", soft_wrap=True)


def _closing_line(verdict: ConformVerdict) -> Text:
    text = Text(verdict.status, style="green" if verdict.status == "PASS" else "bold red")
    counts = [f"{len(found)} {status.value}" for status in ORDER if (found := verdict.with_status(status))]
    text.append(f" {printable(verdict.name)}: {', '.join(counts)}", style="default")
    if laws := list(dict.fromkeys(result.law_id for result in verdict.results if result.status in FAILED)):
        text.append(f"; failed by {', '.join(laws)}", style="default")
    text.append(f"; {verdict.seconds:.2g} s", style="default")
    return text
