"""Every number that `neuromf watch` shows is the one that stands beside its name."""

from __future__ import annotations

import io
from dataclasses import asdict

import pytest
from rich.console import Console

from neuromf.monitor.events import Event
from neuromf.watch.document import document
from neuromf.watch.screen import alarm_line, ending_line, progress_line, saturation_warning, screen, shown, status_line
from neuromf.watch.status import RunState, RunStatus
from neuromf.watch.watcher import SHOWN, Quantity, View, Watcher
from tests.support.reported_run import WARNING, write_run
from tests.support.told_numbers import FLOATS, cell, level, places_of, telling_rows

pytestmark = pytest.mark.law("OBS-002")

STEPS, WINDOW = 23, 10
"""One step to go; ten steps at either end, of which three belong to neither."""
ROWS = telling_rows(STEPS)
PLACES = places_of(ROWS, FLOATS, WINDOW)
COLUMNS = ("raw_total", "raw_fm", "raw_mf", "raw_ch0", "raw_ch1", "raw_ch2", "raw_ch3", "weighted", "objective",
           "grad_norm", "lr")  # fmt: skip


@pytest.fixture(scope="module")
def view(tmp_path_factory) -> View:
    return Watcher(write_run(tmp_path_factory.mktemp("watched") / "run", rows=ROWS)).look()


def printed(view: View) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=200).print(screen(view, "name"))
    return stream.getvalue().splitlines()


def test_each_line_of_the_screen_shows_its_own_column(view):
    """Start, recent level and last cell under their headings, and the recent level over the start."""
    lines = [line.split() for line in printed(view)]
    assert ["trace", "column", "start", "recent", "last", "recent/start"] in lines
    shown = {line[0]: line[1:] for line in lines if line and line[0] in FLOATS and "is" not in line}
    assert tuple(shown) == COLUMNS
    for name, cells in shown.items():
        assert [PLACES.of(text) for text in cells[:3]] == [(name, "start"), (name, "recent"), (name, "last")]
        ratio = level(ROWS[-WINDOW:], name) / level(ROWS[:WINDOW], name)
        assert cells[3:] == ([] if name == "lr" else ["x", f"{ratio:.3g}"])


def test_the_line_for_a_log_names_each_number_that_it_shows(view):
    """The last cell of a column, unless another word stands before the number."""
    numbers = status_line(view).partition("; ")[2]
    words = ["raw", "recent", "start", "FM", "MF", "channels", "weighted", "grad_norm", "lr"]
    assert [
        word for word in numbers.replace("(", "").replace(",", "").split() if word.isalpha() or "_" in word
    ] == words
    raw = [("raw_total", "last"), ("raw_total", "recent"), ("raw_total", "start")]
    others = ("raw_fm", "raw_mf", "raw_ch0", "raw_ch1", "raw_ch2", "raw_ch3", "weighted", "grad_norm", "lr")
    assert PLACES.told(numbers) == [*raw, *((name, "last") for name in others)]


def test_the_document_holds_each_number_under_its_name(view):
    """Unrounded, by column and place."""
    found = document(view)
    assert set(found["quantities"]) == set(SHOWN) == set(COLUMNS)
    for name, numbers in found["quantities"].items():
        start, recent = level(ROWS[:WINDOW], name), level(ROWS[-WINDOW:], name)
        expected = {"start": start, "recent": recent, "last": cell(ROWS[-1], name), "ratio": recent / start}
        assert numbers == pytest.approx(expected)
    assert (found["level_steps"], found["step"], found["total"]) == (WINDOW, STEPS, STEPS + 1)
    assert found["saturated"] == pytest.approx(cell(ROWS[-1], "w_sat"))


@pytest.mark.parametrize("steps", range(1, STEPS + 1))
def test_levels_are_of_as_many_steps_as_are_told(tmp_path, steps):
    """Half of a short run each, ten of a long one; after its first step a run has no recent level."""
    rows, window = ROWS[:steps], max(1, min(10, steps // 2))
    view = Watcher(write_run(tmp_path / "run", rows=rows)).look()
    raw = view.quantities[0]
    assert (raw.name, view.window) == ("raw_total", window)
    assert raw.start == pytest.approx(level(rows[:window], "raw_total"))
    assert raw.recent == (None if steps == 1 else pytest.approx(level(rows[-window:], "raw_total")))


def hand_made(**changes) -> View:
    """A view whose every number is another one."""
    status = RunStatus(RunState.RUNNING, step=1234, total=5678, age=91.0, reason="")
    quantities = tuple(Quantity(name, 2.0 + n, 3.0 + n, 4.0 + n) for n, name in enumerate(SHOWN))
    facts = {"window": 10, "saturated": 0.731, "seconds_per_step": 0.37, "alarms": ()}
    return View(**{"status": status, "quantities": quantities, **facts, **changes})


def test_progress_is_of_the_whole_run_at_the_speed_of_a_step():
    """Share done, time of a step, time of the steps that are left, age of the newest row."""
    line = "step 1234 of 5678 (21.7 %), 0.37 s a step, 27.4 min left, newest row 91 s ago"
    assert progress_line(hand_made()) == line
    assert document(hand_made())["seconds_left"] == pytest.approx((5678 - 1234) * 0.37)
    assert document(hand_made())["newest_row_seconds_ago"] == 91.0
    assert document(hand_made())["seconds_per_step"] == 0.37
    assert saturation_warning(hand_made()) == "weighted is saturated in 73 % of the samples: read the raw loss"


@pytest.mark.parametrize(("share", "warned"), [(0.499, False), (0.5, True), (float("nan"), True), (None, False)])
def test_the_weighted_loss_is_warned_of_from_half_of_the_samples_on(share, warned):
    """A share that is no number warns."""
    assert bool(saturation_warning(hand_made(saturated=share))) is warned


def test_an_alarm_is_told_with_its_own_numbers():
    """Level, step, law, rank, value and bound; the sentence where there is no value."""
    assert "warn at step 9, law JVP-006 (" in alarm_line(WARNING)
    assert alarm_line(WARNING).endswith("): found 3.5, bound <= 3")
    silent = Event(step=17, level="halt", law="", message="why", rank=3)
    assert alarm_line(silent) == "halt at step 17, rank 3: why"
    assert document(hand_made(alarms=(WARNING, silent)))["alarms"] == [asdict(WARNING), asdict(silent)]


@pytest.mark.parametrize("count", range(8))
def test_the_newest_alarms_are_shown_and_all_are_counted(count):
    """Five lines at most, in their order, with the number of all where some are not shown."""
    alarms = tuple(Event(step=step, level="warn", law="", message=f"m{step}") for step in range(11, 11 + count))
    lines = [line.strip() for line in printed(hand_made(alarms=alarms)) if "alarm" in line or "at step" in line]
    counted = ["no alarms"] if count == 0 else [f"{count} alarms, the last 5:"] if count > 5 else []
    assert lines == [*counted, *(f"warn at step {s}: m{s}" for s in range(11, 11 + count)[-5:])]


@pytest.mark.parametrize(
    ("value", "text"),
    [(9999.0, "9999"), (1e4, "10,000"), (-1e4, "-10,000"), (10000.4, "10,000"), (999999999.0, "999,999,999"),
     (1e9, "1e+09"), (0.000123456, "0.0001235"), (float("nan"), "nan"), (float("-inf"), "-inf"), (None, "-")],
)  # fmt: skip
def test_a_number_has_four_digits_or_is_whole_from_ten_thousand_on(value, text):
    """Thousands apart, up to a milliard; no number is a dash."""
    assert shown(value) == text


@pytest.mark.parametrize("window", [1, 2, 10])
def test_the_table_says_of_how_many_steps_its_levels_are(window):
    """One is no median."""
    levels = "single steps" if window == 1 else f"medians of {window} steps"
    assert f"{levels}; raw: squared latent a dim" in [line.strip() for line in printed(hand_made(window=window))]


@pytest.mark.parametrize(("step", "total"), [(0, 0), (0, 60), (15, 60), (60, 60)])
def test_the_bar_is_as_long_as_the_share_that_is_done(step, total):
    """Of sixty characters, between the line of the state and that of the progress."""
    lines = printed(hand_made(status=RunStatus(RunState.RUNNING, step, total, 1.0, "")))
    place = next(index for index, line in enumerate(lines) if line.startswith(f"step {step} of {total}"))
    bar = next(line for line in lines if set(line.strip()) <= {"\u2501", "\u2578"})
    assert bar.count("\u2501") == step
    assert place < lines.index(bar)


def test_a_status_is_told_with_its_reason():
    """Word and meaning."""
    assert ending_line(hand_made(status=RunStatus(RunState.PAUSED, 5, 7, 1.0, "why"))) == "paused: why"
