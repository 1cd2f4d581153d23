"""What the gate prints and writes."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import get_args

import pytest
from rich.console import Console

from neuromf.config import config_hash, load_config
from neuromf.gate.console import STYLES, closing_line, print_verdict
from neuromf.gate.result import Status, format_value
from neuromf.gate.static import static_findings
from neuromf.gate.verdict import GateVerdict
from neuromf.report.gate_page import ORDER, gate_page


@pytest.fixture
def verdict() -> GateVerdict:
    config = load_config(["failed_225"])
    results = static_findings(config, {"training.beta2": "review section 3.2"})
    return GateVerdict(name="failed_225", config_hash=config_hash(config), results=results, smoke=None, seconds=0.1)


def test_the_table_keeps_citations_in_brackets(verdict):
    """Brackets are text, not markup: every blocked law shows its source."""
    stream = io.StringIO()
    print_verdict(Console(file=stream, width=200), verdict)
    text = stream.getvalue()

    assert text.count("[review, section") >= 5
    assert "training.beta2 is from: review section 3.2" in text
    assert text.strip().startswith(("┏", "+")) is True
    assert "BLOCKED failed_225" in text


@pytest.mark.parametrize("width", [60, 80, 110, 130, 131, 200])
def test_no_override_is_broken_in_two(verdict, width):
    """Whatever the terminal's width, what would pass stands whole on one line, to be copied."""
    stream = io.StringIO()
    print_verdict(Console(file=stream, width=width), verdict)
    for result in verdict.results:
        assert all(override in stream.getvalue() for override in result.passing_value.split())


def test_a_law_that_is_judged_twice_counts_once(verdict):
    """Judged on paper and in training, it is one law: in the last line, in the JSON and on the page."""
    doubled = [*verdict.results, *(replace(result, where="smoke") for result in verdict.results)]
    twice = replace(verdict, results=doubled)
    assert str(closing_line(twice)) == str(closing_line(verdict))
    assert json.loads(twice.to_json())["blocked"] == json.loads(verdict.to_json())["blocked"]
    head = f"{len(verdict.results)} laws judged"
    assert head in gate_page(twice, load_config(["failed_225"]), None)


@pytest.mark.law("OBS-003")
def test_json_names_the_blocked_laws(verdict):
    """The document lists by id what refuses the launch and what of that is safety gear, beside the full results."""
    document = json.loads(verdict.to_json())

    assert document["status"] == "BLOCKED"
    assert set(document["blocked"]) == {
        law["law_id"] for law in document["laws"] if law["status"] in ("block", "policy")
    }
    assert document["policy"] == [law["law_id"] for law in document["laws"] if law["status"] == "policy"]
    assert set(document["policy"]) < set(document["blocked"])


def smoke_line(verdict, **ends):
    """What the gate prints of a smoke training, its ends given by column."""
    first, last = ({name: pair[place] for name, pair in ends.items()} for place in (0, -1))
    summary = {
        "steps": len(next(iter(ends.values()))),
        "first": first,
        "last": last,
        "latents": "latents of real MRI",
        "ended_early": "",
    }
    stream = io.StringIO()
    print_verdict(Console(file=stream, width=200), replace(verdict, smoke=summary))
    return next(line for line in stream.getvalue().splitlines() if line.startswith("smoke training"))


def test_a_smoke_training_is_told_by_both_ends(verdict):
    """A step without FM samples has no FM loss, at either end; a term without any is left out."""
    line = smoke_line(verdict, raw_total=(4.0, 2.0), raw_fm=(3.0, None), raw_mf=(None, 1.0), weighted=(None, None))
    assert line.endswith("raw_total 4 -> 2, raw_fm 3 -> -, raw_mf - -> 1")


def test_a_smoke_training_of_one_step_has_moved_nowhere(verdict):
    """It ended at once, and its one number is told once."""
    assert smoke_line(verdict, raw_total=(4.0,)).endswith("raw_total 4")


@pytest.mark.parametrize(
    ("value", "text"), [(74.074074, "74.07"), (1000.0, "1,000"), (79304859.0, "79,304,859"), ("off", "off")]
)
def test_numbers_are_short_and_text_is_left_alone(value, text):
    """Four significant digits below ten thousand, whole numbers above."""
    assert format_value(value) == text


def test_no_status_is_left_out_of_console_or_page(verdict):
    """Each status that a law can have has a style on the console and a place on the page."""
    assert set(get_args(Status)) == set(STYLES) == set(ORDER)


@pytest.mark.parametrize("status", get_args(Status))
def test_a_law_of_any_status_is_on_the_page(verdict, status):
    """A waived law, like any other, is counted and shown."""
    results = [replace(verdict.results[0], status=status, detail="the one to be seen"), *verdict.results[1:]]
    page = gate_page(replace(verdict, results=results), load_config(["failed_225"]), None)
    assert f'<div class="law {status}">' in page
    assert "the one to be seen" in page
