"""The reports in a real browser: drawn, quiet, self-contained, and with controls that work."""

import numpy as np
import pytest

from neuromf.config import config_hash, load_config
from neuromf.gate.smoke import SmokeRun
from neuromf.gate.static import static_findings
from neuromf.gate.verdict import GateVerdict
from neuromf.report.gate_page import gate_page
from neuromf.report.run_facts import read_runs
from neuromf.report.run_page import run_page
from tests.support.open_page import DESK, PHONE
from tests.support.reported_run import HALT, SELF_TEST, WARNING, trace_rows, write_run

LONG_NAME = "a_folder_with_a_name_that_is_far_too_long_for_a_telephone_and_has_nowhere_to_break"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Reports of one run, of two, and of the gate, as files by name."""
    folder = tmp_path_factory.mktemp("pages")
    halted = write_run(folder / "halted", rows=trace_rows(21, 1.3), events=[SELF_TEST, WARNING, HALT])
    other = write_run(folder / LONG_NAME, "training.learning_rate=0.002")
    config = load_config(["failed_225"])
    results = static_findings(config, {})
    verdict = GateVerdict(name="failed_225", config_hash=config_hash(config), results=results, smoke=None, seconds=0.1)
    picture = np.linspace(0, 1, 1024).reshape(32, 32)
    smoke = SmokeRun(config, trace_rows(30), [], picture, picture, "", "latents of the demo cohort", "a scan's latent")
    texts = {
        "one": run_page(read_runs([halted]), decoded=False),
        "two": run_page(read_runs([halted, other]), decoded=False),
        "gate": gate_page(verdict, config, smoke),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("name", ["one", "two", "gate"])
@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_drawn_without_complaint_request_or_sideways_scroll(pages, visit, name, width, scheme):
    """One request, for the file itself; no message; nothing wider than the screen, with all that is folded open."""
    with visit(pages[name], width, scheme) as opened:
        opened.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        assert [url for url in opened.requests if not url.startswith("data:")] == [pages[name].as_uri()]
        assert opened.complaints == []
        assert opened.page.locator("h1").is_visible()


@pytest.mark.parametrize(("name", "fewest"), [("one", 10), ("two", 10), ("gate", 6)])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_every_chart_and_picture_that_is_shown_has_a_size(pages, visit, name, fewest, width):
    """No chart is collapsed, and every picture was decoded."""
    with visit(pages[name], width) as opened:
        boxes = opened.page.evaluate(
            "[...document.querySelectorAll('figure')].filter((f) => f.checkVisibility())"
            ".map((f) => f.querySelector('svg, img')).map((c) => [c.clientWidth, c.clientHeight])"
        )
        assert len(boxes) >= fewest
        assert all(across >= 100 and down >= 20 for across, down in boxes)
        assert opened.page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_letters_in_charts_can_be_read(pages, visit, width):
    """The smallest letters of the charts are at least 8 pixels on the screen."""
    with visit(pages["two"], width) as opened:
        sizes = opened.page.evaluate(
            "[...document.querySelectorAll('figure svg')].filter((s) => s.checkVisibility()).flatMap((s) =>"
            " [...s.querySelectorAll('text')].map((t) =>"
            "  parseFloat(getComputedStyle(t).fontSize) * s.clientWidth / s.viewBox.baseVal.width))"
        )
        assert min(sizes) >= 8


@pytest.mark.parametrize("name", ["one", "gate"])
def test_dark_mode_changes_the_background(pages, visit, name):
    """Dark by the system's wish, and by the page's own switch either way."""
    with visit(pages[name], scheme="dark") as opened:
        assert max(opened.background()) < 60
        opened.page.click("button[data-scheme=light]")
        assert min(opened.background()) > 200
        opened.page.click("button[data-scheme=auto]")
        assert max(opened.background()) < 60
    with visit(pages[name], scheme="light") as opened:
        assert min(opened.background()) > 200
        opened.page.click("button[data-scheme=dark]")
        assert max(opened.background()) < 60
        assert opened.page.get_attribute("button[data-scheme=dark]", "aria-pressed") == "true"


@pytest.mark.parametrize(("width", "screen"), [(DESK, "wide"), (PHONE, "narrow")])
def test_the_axis_switch_shows_the_other_chart(pages, visit, width, screen):
    """One of four renderings is seen: log or linear by the switch, wide or narrow by the screen."""

    def seen(page):
        return page.evaluate(
            "[...document.querySelectorAll('figure.log, figure.linear')]"
            ".filter((f) => f.checkVisibility()).map((f) => f.className)"
        )

    with visit(pages["one"], width) as opened:
        assert seen(opened.page) == [f"log {screen}"]
        opened.page.click("button[data-scale=linear]")
        assert seen(opened.page) == [f"linear {screen}"]
        opened.page.click("button[data-scale=log]")
        assert seen(opened.page) == [f"log {screen}"]


@pytest.mark.parametrize("hidden", ["run0", "run1", "raw_ch0", "raw_ch3"])
def test_a_tick_hides_a_run_or_a_channel_and_brings_it_back(pages, visit, hidden):
    """What bears the class disappears with the tick, and nothing else does."""

    def seen(page, selector):
        """Parts that take up room: a group of lines is 'visible' to the browser even where nothing is drawn."""
        return page.evaluate(
            f"[...document.querySelectorAll('{selector}')].map((part) => part.getBoundingClientRect())"
            ".filter((box) => box.width + box.height > 0).length"
        )

    with visit(pages["two"]) as opened:
        before = seen(opened.page, f".{hidden}"), seen(opened.page, f".series:not(.{hidden})")
        assert min(before) > 0
        opened.page.uncheck(f"input[data-hides={hidden}]")
        assert (seen(opened.page, f".{hidden}"), seen(opened.page, f".series:not(.{hidden})")) == (0, before[1])
        opened.page.check(f"input[data-hides={hidden}]")
        assert (seen(opened.page, f".{hidden}"), seen(opened.page, f".series:not(.{hidden})")) == before


def test_search_and_levels_narrow_the_list_of_events(pages, visit):
    """Words and levels together, and the number that is left is told."""
    with visit(pages["one"]) as opened:
        page = opened.page
        events, told = page.locator("[data-event]:visible"), page.locator("#shown")
        assert (events.count(), told.inner_text()) == (2, "2 of 2 shown")
        page.fill("#search", "CORRECTION runs")
        assert (events.count(), told.inner_text()) == (1, "1 of 2 shown")
        page.fill("#search", "")
        page.click("button[data-level=halt]")
        assert events.first.get_attribute("data-event") == "warn"
        assert told.inner_text() == "1 of 2 shown"
        page.click("button[data-level=halt]")
        assert events.count() == 2


def test_what_is_folded_opens_and_a_law_is_reached_by_its_link(pages, visit):
    """The table of laws that held unfolds; an event's law leads to its statement."""
    with visit(pages["one"], PHONE) as opened:
        held = opened.page.locator("details:has-text('laws that held')")
        assert not held.locator("table").is_visible()
        held.locator("summary").click()
        assert held.locator("table").is_visible()
        opened.page.click("a[href='#statement-GUARD-001']")
        top = opened.page.evaluate("document.querySelector('#statement-GUARD-001').getBoundingClientRect().top")
        assert 0 <= top < 900


def test_without_scripts_the_page_reads_and_shows_no_dead_control(pages, visit):
    """Charts and events are there; buttons that could not work are not."""
    with visit(pages["one"], scripts=False) as opened:
        assert opened.page.locator("button:visible, input:visible").count() == 0
        assert opened.page.locator("figure svg:visible").count() >= 8
        assert opened.page.locator("[data-event]:visible").count() == 2
