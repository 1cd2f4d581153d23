"""The lines below a verdict's findings: each stands whole and as it is, whatever the width of the terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from neuromf.facts.read import FactsFile
from neuromf.facts.schema import Facts
from neuromf.gate.console import print_verdict
from neuromf.gate.facts_console import print_facts_verdict
from neuromf.gate.facts_verdict import FactsVerdict
from tests.unit.gate.test_shown_results import RESULTS, VERDICT

pytestmark = pytest.mark.law("OBS-003")

WIDTHS = [24, 80, 131, 400]
ODD = "[bold]a path[/] with :smile: and [/] and what a column of twenty-four letters never holds"


def lines(show, verdict, width):
    """What is printed as the commands print it, on a terminal of so many columns."""
    stream = io.StringIO()
    show(Console(file=stream, width=width, highlight=False, markup=False, emoji=False), verdict)
    return stream.getvalue().splitlines()


def with_status(status):
    return [replace(result, where="static") for result in RESULTS if result.status == status]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_lines_below_the_findings_are_whole(width):
    """Laws that hold by the part that judged them, notes as typed, the smoke training, the verdict."""
    verdict = replace(VERDICT, notes=(ODD, "another"))
    *_, live, odd, another, smoke, closing = lines(print_verdict, verdict, width)
    assert live.startswith("1 law holds live, in training: ")
    assert (odd, another) == (ODD, "another")
    assert smoke.startswith("smoke training, 17 steps on the demo's: raw_total 10.2 -> 1.38, ")
    assert closing.startswith("BLOCKED mine.yaml: ")
    assert closing.endswith("; 12.3 s")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("status", ["block", "warn", "pass"])
def test_the_verdict_on_another_code_is_told_in_whole_lines(width, status):
    """Laws that hold, laws that lack a fact, keys that were not understood and notes as typed, the verdict."""
    told = {"not_understood": (ODD, "key2"), "notes": ("note1", ODD)}
    file = FactsFile(name="mine.yaml", facts=Facts(), origin={}, **told)
    found = [*with_status("pass")[:1], *with_status(status)]
    missing = {"JVP-003": ["fd_step", "jvp"], "EMA-001": ["ema_decay"]}
    verdict = FactsVerdict(file=file, results=found, not_judged=missing, seconds=0.1234)
    ids = [result.law_id for result in found]
    held = [result.law_id for result in found if result.status == "pass"]
    counted = "1 law holds" if len(held) == 1 else f"{len(held)} laws hold"
    named = {"block": f"; blocked by: {', '.join(ids[1:])}", "warn": f"; warnings: {', '.join(ids[1:])}", "pass": ""}
    assert lines(print_facts_verdict, verdict, width)[-8:] == [
        f"{counted} by the facts: {', '.join(held)}",
        "JVP-003 is not judged without fd_step, jvp",
        "EMA-001 is not judged without ema_decay",
        f"not understood: {ODD}",
        "not understood: key2",
        "note1",
        ODD,
        f"{'BLOCKED' if status == 'block' else 'PASS'} mine.yaml: {len(ids)} laws judged by facts, 2 not"
        f"{named[status]}; 0.12 s",
    ]


@pytest.mark.parametrize(("status", "colour"), [("block", "31m"), ("pass", "32m")])
def test_only_the_word_of_a_verdict_on_another_code_has_its_colour(status, colour):
    """Not the counts behind it: who reads a red line looks for what is wrong in it."""
    file = FactsFile(name="mine.yaml", facts=Facts(), origin={}, not_understood=(), notes=())
    verdict = FactsVerdict(file=file, results=with_status(status), not_judged={}, seconds=0.1234)
    stream = io.StringIO()
    terminal = Console(file=stream, width=400, force_terminal=True, color_system="standard", highlight=False)
    print_facts_verdict(terminal, verdict)
    word, name, rest = stream.getvalue().splitlines()[-1].partition(" mine.yaml")
    assert (colour in word, name) == (True, " mine.yaml")
    assert not any(code in rest for code in ("31m", "32m", "33m"))
    assert "31m" not in word.partition("\x1b[0m")[2]
