"""Every number of a verdict stands beside its own law: on the console, in JSON, in JUnit XML and on the page."""

from __future__ import annotations

import io
import itertools
import json
import re
from dataclasses import asdict, fields
from html.parser import HTMLParser
from typing import get_args
from xml.etree import ElementTree

import numpy as np
import pytest
from neuromf_spec.registry import laws
from rich.console import Console

import neuromf.report.gate_page
from neuromf.config import load_config
from neuromf.gate.console import print_verdict
from neuromf.gate.junit import to_junit
from neuromf.gate.result import LawResult, Status, Where
from neuromf.gate.smoke import SmokeRun
from neuromf.gate.verdict import GateVerdict
from neuromf.report.charts import slice_png
from neuromf.report.gate_page import gate_page
from tests.support.told_numbers import cell, telling_rows

pytestmark = pytest.mark.law("OBS-002")

SUMMED = ("raw_total", "raw_fm", "raw_mf", "weighted", "objective")


def results() -> list[LawResult]:
    """One of each status and part of the gate; no text and no number twice."""
    kinds = itertools.product(get_args(Status), get_args(Where))
    found = []
    for number, ((status, where), law_id) in enumerate(zip(kinds, laws(), strict=False)):
        texts = ("title", "bound", "unit", "detail", "remedy", "source", "value_source")
        told = {name: f"{name}-of-{number:02}" for name in texts} | {"key": f"section.key{number:02}"}
        value = 1.0 + number * 1.0137 if number % 3 else f"value-of-{number:02}"
        override = f"section.key{number:02}={number}"
        found.append(LawResult(law_id=law_id, status=status, where=where, value=value, passing_value=override, **told))
    return found


RESULTS = results()
SMOKE = {
    "steps": 17,
    "latents": "the demo's",
    "first": {name: 10.25 * (place + 1) for place, name in enumerate(SUMMED)},
    "last": {name: 1.375 * (place + 1) for place, name in enumerate(SUMMED)},
    "ended_early": "",
}
VERDICT = GateVerdict(
    name="mine.yaml", config_hash="ab" * 32, results=RESULTS, smoke=SMOKE, seconds=12.34, notes=("a note",),
    inputs={"bad_scans": [{"file": "f", "problem": "p", "remedy": "r"}]},
)  # fmt: skip


def printed(width: int) -> str:
    stream = io.StringIO()
    print_verdict(Console(file=stream, width=width), VERDICT)
    return stream.getvalue()


def told_of(result: LawResult) -> set[str]:
    """What must stand beside a law that is shown in full."""
    value = result.value if isinstance(result.value, str) else f"{result.value:.4g}"
    shown = {value, result.unit, result.bound, result.detail, result.remedy, result.source, result.title}
    return {*shown, result.value_source, result.key, f"--set {result.passing_value}"}


def foreign(text: str, result: LawResult) -> list[str]:
    """Texts of other laws that stand among those of one."""
    number = f"{RESULTS.index(result):02}"
    return [found for found in re.findall(r"(?:-of-|key)(\d\d)", text) if found != number]


LOUD = [
    result for status in ("block", "policy", "warn", "waived", "info") for result in RESULTS if result.status == status
]
"""What is printed in full, in its order."""


def test_a_law_that_speaks_is_printed_with_its_own_numbers():
    """Name, status, found and bound on a line of their own, then reasons, remedy, override and source."""
    parts = re.split(r"^(?=[A-Z]+-\d{3})", printed(100).partition("1 law holds")[0], flags=re.MULTILINE)[1:]
    for part, result in zip(parts, LOUD, strict=True):
        live = " (live)" if result.where == "smoke" else ""
        head = f"{result.law_id}{live} {result.status}: {result.found}, bound {result.bound}"
        assert part.splitlines()[0] == head
        assert {words for words in told_of(result) if words not in " ".join(part.split())} == set()
        assert foreign(part, result) == []


def columns(lines: list[str]) -> list[str]:
    """The cells of one row of a table, each on one line."""
    cells = zip(*(re.split("[│┃]", line)[1:-1] for line in lines if line), strict=True)
    return [" ".join(" ".join(cell).split()) for cell in cells]


def test_a_law_of_the_table_has_its_numbers_under_their_headings():
    """Found under found, bound under bound, and why beside it."""
    table = printed(400).partition("1 law holds")[0]
    blocks = [block.splitlines() for block in re.split(r"^[├┡└┏].*$", table, flags=re.MULTILINE)]
    header, *rows = [columns(block) for block in blocks if any(block)]
    assert header == ["law", "found", "bound", "why, and what would pass"]
    for (name, found, bound, why), result in zip(rows, LOUD, strict=True):
        live = " (live)" if result.where == "smoke" else ""
        assert (name, found, bound) == (f"{result.law_id}{live} {result.status}", result.found, result.bound)
        told = {result.title, result.source, result.detail, result.remedy, f"--set {result.passing_value}"}
        assert {words for words in told if words not in why} == set()
        assert f"{result.key} is from: {result.value_source}" in why
        assert foreign(why, result) == []


def test_a_law_that_holds_is_counted_with_the_part_that_judged_it():
    """By the configuration, of the inputs, live."""
    words = {"static": "by the configuration", "inputs": "of scans and autoencoder", "smoke": "live, in training"}
    for where, label in words.items():
        (own,) = (result.law_id for result in RESULTS if (result.status, result.where) == ("pass", where))
        assert f"1 law holds {label}: {own}" in printed(400)


def test_the_last_lines_count_laws_by_status_and_tell_the_smoke_training():
    """Ids by status, seconds, and each loss from its first to its last."""
    *_, smoke, closing = printed(400).splitlines()
    ids = {s: ", ".join(r.law_id for r in RESULTS if r.status == s) for s in get_args(Status)}
    gear = f"safety gear missing: {ids['policy']}"
    said = f"blocked by: {ids['block']}; {gear}; warnings: {ids['warn']}; waived: {ids['waived']}; 12.3 s"
    assert closing == f"BLOCKED mine.yaml: {len(RESULTS)} laws judged; {said}"
    ends = ", ".join(f"{n} {SMOKE['first'][n]:.3g} -> {SMOKE['last'][n]:.3g}" for n in SUMMED)
    assert smoke == f"smoke training, 17 steps on the demo's: {ends}"


def test_the_json_holds_every_result_as_it_is():
    """And lists the laws by status."""
    document = json.loads(VERDICT.to_json())
    assert document["laws"] == [asdict(result) for result in RESULTS]
    assert set(document["laws"][0]) == {field.name for field in fields(LawResult)}
    shown = {"blocked": ("block", "policy"), "policy": ("policy",), "warned": ("warn",), "waived": ("waived",)}
    for key, statuses in shown.items():
        assert document[key] == [result.law_id for result in RESULTS if result.status in statuses]
    assert (document["smoke"], document["seconds"], document["notes"]) == (SMOKE, 12.34, ["a note"])
    assert (document["config"], document["config_hash"]) == ("mine.yaml", "ab" * 32)


def test_the_junit_case_of_a_law_holds_its_own_numbers():
    """A failure for a law that refuses the launch, output for every other; tests and failures are counted."""
    suite = ElementTree.fromstring(to_junit(VERDICT))
    blocked = [result for result in RESULTS if result.status in ("block", "policy")]
    assert (suite.attrib["tests"], suite.attrib["failures"]) == (str(len(RESULTS)), str(len(blocked)))
    assert float(suite.attrib["time"]) == 12.34
    for case, result in zip(suite, RESULTS, strict=True):
        assert (case.attrib["classname"], case.attrib["name"]) == (f"gate.{result.where}", result.law_id)
        (told,) = case
        assert told.tag == ("failure" if result in blocked else "system-out")
        said = f"{told.text} {told.attrib.get('message', '')}"
        assert all(words in said for words in (result.found, f"bound {result.bound}", result.detail, result.remedy))
        assert foreign(said, result) == []


class LawCards(HTMLParser):
    """Text of each law's card on the page, and the pictures by their captions."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.cards: list[str] = []
        self.pictures: dict[str, str] = {}
        self.feed(page.partition("<h2>Configuration</h2>")[0])

    def handle_starttag(self, tag, attrs):
        """A card begins with its class, a picture is told by its `alt`."""
        found = dict(attrs)
        if (found.get("class") or "").startswith("law "):
            self.cards.append("")
        if tag == "img":
            self.pictures[found["alt"]] = found["src"]

    def handle_data(self, data):
        """Text belongs to the card that began last."""
        if self.cards:
            self.cards[-1] += f" {data}"


def test_the_card_of_a_law_on_the_page_holds_its_own_numbers():
    """Gravest first, every card with value, bound, key, reasons, remedy and sources of its result."""
    page = gate_page(VERDICT, load_config(["smoke"]), None)
    order = sorted(RESULTS, key=lambda r: ("block", "policy", "warn", "waived", "info", "pass").index(r.status))
    cards = [" ".join(card.split()) for card in LawCards(page).cards]
    assert len(cards) == len(order)
    for card, result in zip(cards, order, strict=True):
        assert card.startswith(f"{result.law_id} {result.title} · {result.status}")
        assert {words for words in told_of(result) if words not in card} == set()
        assert foreign(card, result) == []


def test_the_page_shows_the_real_slice_and_the_sample_under_their_names(monkeypatch):
    """The two pictures are not exchanged; the ends of each loss are those of the rows."""
    monkeypatch.setattr(neuromf.report.gate_page, "LOSS_CHARTS", ())
    rows, config = telling_rows(17), load_config(["smoke"])
    real, generated = np.linspace(0, 1, 12).reshape(3, 4), np.linspace(1, 0, 12).reshape(3, 4)
    smoke = SmokeRun(
        config=config, rows=rows, results=[], real=real, generated=generated, message="", latents="noise",
        pictured="decoded",
    )  # fmt: skip
    pictures = LawCards(gate_page(VERDICT, config, smoke)).pictures
    assert pictures == {
        "real scan, encoded, decoded": slice_png(real),
        "one-step sample after 17 steps, decoded": slice_png(generated),
    }
    assert smoke.summary["first"] == {name: cell(rows[0], name) for name in SUMMED}
    assert smoke.summary["last"] == {name: cell(rows[-1], name) for name in SUMMED}
