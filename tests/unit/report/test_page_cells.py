"""Every number in the words and tables of a report's page is the one that its words name."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from neuromf.config.resolve import flat_config
from neuromf.monitor.events import Event
from neuromf.report import block_charts, run_charts, run_page, time_histograms
from neuromf.report.headline import headline
from neuromf.report.law_events import law_events
from neuromf.report.law_table import law_rows
from neuromf.report.run_facts import read_runs
from tests.support.reported_run import write_run
from tests.support.told_numbers import NUMBER, cell, level, places_of, telling_rows

pytestmark = pytest.mark.law("OBS-002")

STEPS, WINDOW = 21, 10
ROWS = telling_rows(STEPS)
NAMES = ("raw_total", "weighted")
TURNED = [row | {"step": step} for step, row in enumerate(ROWS[:20][::-1])]
PLACES = places_of(ROWS, NAMES, WINDOW)
ALARMS = [
    Event(step=3, level="warn", law="JVP-006", message="m3", value="3.25", bound="<= 3", fine=["LR-002"]),
    Event(step=5, level="warn", law="LR-002", message="m5", value="5.25", bound="<= 5"),
    Event(step=8, level="warn", law="JVP-006", message="m8", value="8.25", bound="<= 8"),
    Event(step=13, level="info", law="GUARD-001", message="m13"),
    Event(step=14, level="info", law="JVP-006", message="m14"),
    Event(step=17, level="halt", law="GUARD-004", message="m17", value="17.25", bound="<= 17", rank=2),
]


class Cells(HTMLParser):
    """Text of a page: table rows as lists of cells, other text by the class of the element that it stands in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.cards: list[str] = []
        self.captions: list[str] = []
        self.place = ""
        self.feed(page)
        self.rows = [[text.strip() for text in row] for row in self.rows]
        self.captions = [text.strip() for text in self.captions]

    def handle_starttag(self, tag, attrs):
        """A row, a cell or a card begins."""
        classes = (dict(attrs).get("class") or "").split()
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif "law" in classes:
            self.cards.append("")
        elif tag == "figcaption":
            self.captions.append("")
        self.place = {"td": "cell", "th": "cell", "figcaption": "caption"}.get(tag, self.place)
        if tag in ("p", "div", "h2"):
            self.place = "card"

    def handle_endtag(self, tag):
        """What follows a table is no cell of it."""
        if tag in ("td", "th", "figcaption"):
            self.place = ""

    def handle_data(self, data):
        """Text belongs to what began last."""
        if self.place == "cell" and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data
        elif self.place == "caption":
            self.captions[-1] += data
        elif self.cards:
            self.cards[-1] += data


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    first = write_run(folder / "first", rows=ROWS, events=ALARMS)
    changes = ("training.learning_rate=0.002", "training.warmup_steps=5")
    other = write_run(folder / "other", *changes, rows=TURNED)
    return read_runs([first, other])


@pytest.fixture(scope="module")
def page(runs):
    """The report of both runs; what it draws is looked at elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (run_charts, block_charts, time_histograms):
            patch.setattr(module, "draw", lambda lines, frame: "")
        return Cells(run_page.run_page(runs, decoded=False))


def percent(start: float, end: float) -> str:
    return f"{abs(end / start - 1) * 100:.0f} %"


def test_the_headline_tells_both_levels_of_raw_and_weighted_loss(runs):
    """From the first to the last level of the column that is named, with the change between them."""
    for run, rows in zip(runs, (ROWS, TURNED), strict=True):
        head = headline(run)
        for name, words in (("raw_total", head.raw), ("weighted", head.weighted)):
            start, end = level(rows[:WINDOW], name), level(rows[-WINDOW:], name)
            assert words.startswith(f"{'rose' if end > start else 'fell'} by {percent(start, end)}, ")
            ends = re.search(r", (\S+) → ([^\s,]+)", words)
            assert ends is not None
            shown = [float(text.replace(",", "")) for text in ends.groups()]
            assert shown == [pytest.approx(start, rel=6e-4), pytest.approx(end, rel=6e-4)]
    assert PLACES.told(headline(runs[0]).weighted)[1:3] == [("weighted", "start"), ("weighted", "recent")]


def test_the_headline_tells_steps_alarms_and_laws(runs, page):
    """Steps done of those planned, the reason of the halt, how many alarms of which laws."""
    head = headline(runs[0])
    assert head.sentence == f"halted after {STEPS} of 24 optimiser steps: m17"
    assert (head.alarms, head.laws) == (4, ("JVP-006", "LR-002", "GUARD-004"))
    card = " ".join(page.cards[0].split())
    assert f"first · {head.alarms} alarms first {head.sentence}. Alarms of {', '.join(head.laws)}." in card
    assert f"Raw loss {head.raw}; weighted loss meanwhile {head.weighted}." in card


def test_the_table_of_laws_tells_each_runs_own_judgements(runs, page):
    """A row a law, two cells a run, as the laws' results say; the alarm's step and count."""
    rows = {row[0].split()[0]: row[1:] for row in page.rows if row and re.match(r"[A-Z]+-\d{3} ", row[0])}
    for law in law_rows(runs):
        cells = [judgement.text or "–" for place in (0, 1) for judgement in (law.planned[place], law.trained[place])]
        assert rows[law.law.id] == cells
    assert rows["JVP-006"][1] == "warned at step 3, 2 alarms"
    assert rows["GUARD-004"][1::2] == ["halted at step 17", "no alarm"]
    share = 100 * 5 / 24
    assert rows["LR-003"][2] == f"{share:.4g} % of the run, bound <= 10"


def test_an_event_is_told_with_its_own_numbers(runs, page):
    """One card a law, gravest first: the oldest of the gravest, and how many there are."""
    cards = [" ".join(card.split()) for card in page.cards if " · step " in card]
    shown = [(entry.law_id, entry.first.step, entry.count) for entry in law_events(runs) if entry.run == "first"]
    assert shown == [("GUARD-004", 17, 1), ("JVP-006", 3, 3), ("LR-002", 5, 1), ("GUARD-001", 13, 1)]
    mine = [card for card in cards if "· first" in card]
    oldest = (ALARMS[5], ALARMS[0], ALARMS[1], ALARMS[3])
    for card, (law_id, step, count), event in zip(mine, shown, oldest, strict=True):
        assert card.startswith(law_id)
        assert f"· {event.level} · step {step}" in card
        assert (f"· {count} events" in card) is (count > 1)
        assert event.message in card
        found = [text for text in NUMBER.findall(card) if "." in text]
        assert found == ([event.value] if event.value else [])


def test_the_configuration_is_that_of_each_run(runs, page):
    """Every key with the value of the run whose column it is; only keys that differ stand in the first table."""
    flat = [flat_config(run.config) for run in runs]
    keyed = [row for row in page.rows if row and row[0] in flat[0]]
    full = {row[0]: row[1:] for row in keyed[-len(flat[0]) :]}
    assert full == {key: [json.dumps(values[key]) for values in flat] for key in flat[0]}
    differing = [row[0] for row in keyed[: -len(flat[0])]]
    assert differing == [key for key in flat[0] if flat[0][key] != flat[1][key]]


def test_a_sample_is_captioned_by_its_step(page):
    """Of each run, in their order."""
    assert [caption for caption in page.captions if caption.startswith("step ")] == ["step 4", "step 8"] * 2


def test_the_values_of_a_run_are_those_of_its_trace(runs):
    """Column by column."""
    for name in ("raw_total", "lr", "rho"):
        assert runs[0].values(name) == pytest.approx(np.array([cell(row, name) for row in ROWS]))
