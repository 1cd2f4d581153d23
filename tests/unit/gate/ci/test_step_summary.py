"""The gate's findings as the Markdown of a step's summary."""

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from neuromf_spec.waivers import Waiver

from neuromf.gate.ci.step_summary import LARGEST, step_summary
from tests.support.judged_config import judged, refused

pytestmark = pytest.mark.law("OBS-003")

BAD = "#\ntraining:\n  warmup_steps: 600\n  epochs: 10\nunet:\n  time_scale: 1000.0\n"
BAD += "training.precision: bf16\nmeanflow:\n  jvp: finite_difference\n  fd_step: 0.001\n"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name, text=BAD):
    Path(name).write_text(text, encoding="utf-8")
    return name


def shown(markdown):
    """Headings, and the rows of tables, as a reader sees them."""
    headings, rows = [], []
    before = None
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and before in ("heading_open", "th_open", "td_open"):
            assert {child.type for child in token.children} <= {"text", "text_special"}, token.content
            text = "".join(child.content for child in token.children)
            (headings if before == "heading_open" else rows[-1]).append(text)
        before = token.type
    return headings, rows


def test_a_row_tells_law_level_number_bound_and_place():
    """Of each finding, below a heading with verdict and configuration."""
    config = judged(write("a.yaml"))
    headings, (head, *rows) = shown(step_summary([config]))
    assert headings == ["neuromf gate: 1 blocked", "BLOCKED: a.yaml"]
    assert head == ["law", "level", "found", "bound", "where", "what it means"]
    assert len(rows) == len(config.findings)
    for row, finding in zip(rows, config.findings, strict=True):
        result = finding.result
        place = f"a.yaml:{finding.place.line}"
        assert row[:5] == [f"{result.law_id} {result.title}", finding.level, result.found, result.bound, place]


def test_a_configuration_without_findings_has_no_table():
    """It is told that it passes, and by how many laws."""
    headings, rows = shown(step_summary([judged("recommended")]))
    assert (headings, rows) == (["neuromf gate: 1 passed", "PASS: recommended"], [])


def test_a_waived_finding_is_told_with_its_reason():
    """In place of its level."""
    day = datetime.date.today() + datetime.timedelta(days=30)
    waived = Waiver(law="JVP-005", config=write("a.yaml"), reason="ablation", owner="lab", expires=day)
    _, rows = shown(step_summary([judged("a.yaml", waivers=[waived])]))
    (row,) = [row for row in rows if row[0].startswith("JVP-005")]
    assert row[1] == "waived"
    assert f"waived by lab until {day}: ablation" in row[5]


def test_several_configurations_are_counted_by_what_came_of_them():
    """Passed, blocked, and not to be judged, whose error is told."""
    broken = refused(write("b.yaml", "training:\n  epocs: 4\n"))
    text = step_summary([judged("recommended"), judged(write("a.yaml")), broken])
    headings, _ = shown(text)
    assert headings[0] == "neuromf gate: 1 passed, 1 blocked, 1 not judged"
    assert headings[1:] == ["PASS: recommended", "BLOCKED: a.yaml", "NOT JUDGED: b.yaml"]
    assert "did you mean" in text


@given(text=st.text(st.sampled_from("ab|`*_<>[]()!&#~\\\n\r-1. @:$"), min_size=1).filter(str.strip))
def test_any_text_is_shown_as_it_is(text):
    """Nothing of it is read as Markdown or HTML, and no line end breaks the table."""
    config = judged("failed_225")
    first = config.findings[0]
    finding = replace(first, result=replace(first.result, bound=f"x{text}x"), text=f"x{text}x")
    _, (_, row) = shown(step_summary([replace(config, findings=(finding,), layers=(f"x{text}x",))]))
    wanted = " ".join(f"x{text}x".split())
    assert (" ".join(row[3].split()), len(row)) == (wanted, 6)


def test_a_summary_stays_below_what_github_takes():
    """Beyond that size GitHub shows nothing of it: the rest is left out, and that is said."""
    config = judged("failed_225")
    many = [config] * (2 * LARGEST // len(step_summary([config])) + 2)
    text = step_summary(many)
    assert LARGEST * 0.9 < len(text.encode()) <= LARGEST < 1024 * 1024
    assert "more findings are in the log" in text
    assert "more findings are in the log" not in step_summary([config])


def test_what_stands_in_the_summary_already_counts():
    """Other commands of the step have written there."""
    text = step_summary([judged("failed_225")], taken=LARGEST - 2000)
    assert len(text.encode()) <= 2000
    assert "more findings are in the log" in text
    assert step_summary([judged("failed_225")], taken=LARGEST) == ""


def test_a_summary_may_be_as_large_as_the_limit(monkeypatch):
    """Of the last byte on, something is left out."""
    configs = [judged("failed_225")]
    whole = step_summary(configs)
    size = len(whole.encode())
    monkeypatch.setattr("neuromf.gate.ci.step_summary.LARGEST", size)
    assert step_summary(configs) == whole
    assert step_summary(configs, taken=1) != whole
