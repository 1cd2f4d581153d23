"""Prints the verdict on another code's training: findings, what was not judged, what was not understood."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from neuromf.gate.console import CLOSING, STYLES, print_results
from neuromf.gate.facts_verdict import FactsVerdict


def print_facts_verdict(console: Console, verdict: FactsVerdict) -> None:
    """Print findings in full, held laws in a line, then what is not known, then the verdict."""
    print_results(console, verdict.results)
    if held := verdict.laws("pass"):
        hold = "law holds" if len(held) == 1 else "laws hold"
        console.print(f"{len(held)} {hold} by the facts: {', '.join(held)}", soft_wrap=True)
    for law_id, missing in verdict.not_judged.items():
        console.print(f"{law_id} is not judged without {', '.join(missing)}", soft_wrap=True, style="dim")
    for key in verdict.file.not_understood:
        console.print(Text(f"not understood: {key}"), soft_wrap=True)
    for note in verdict.file.notes:
        console.print(Text(note), soft_wrap=True)
    console.print(_closing_line(verdict), soft_wrap=True)


def _closing_line(verdict: FactsVerdict) -> Text:
    text = Text(verdict.status, style=STYLES["pass" if verdict.status == "PASS" else "block"])
    judged, left = len(verdict.results), len(verdict.not_judged)
    text.append(f" {verdict.file.name}: {judged} laws judged by facts, {left} not", style="default")
    for status in ("block", "warn"):
        if laws := verdict.laws(status):
            text.append(f"; {CLOSING[status]}: {', '.join(laws)}", style="default")
    text.append(f"; {verdict.seconds:.2g} s", style="default")
    return text
