"""The log of events: read back as written, cut where a resume begins, refused where it is another file."""

import json
from dataclasses import asdict

import pytest

from neuromf.errors import InputError
from neuromf.monitor.events import LEVELS, Event, append_event, drop_events, parse_event, read_events

EVENTS = [
    Event(step=0, level="info", law="GUARD-001", message="self-test passed", fine=["JVP-005", "TIME-004"]),
    Event(step=2, level="warn", law="DATA-003", message="ein Mittel zu groß", value="7 errors", bound="<= 6", rank=1),
    Event(step=5, level="info", law="CKPT-001", message="going on"),
    Event(step=5, level="halt", law="GUARD-001", message="it climbs"),
]


@pytest.fixture
def path(tmp_path):
    """A log of four events."""
    for event in EVENTS:
        append_event(tmp_path / "events.jsonl", event)
    return tmp_path / "events.jsonl"


def test_events_come_back_as_they_were_written(path):
    """Oldest first, with everything that was told; no file is no event."""
    assert read_events(path) == EVENTS
    assert read_events(path.with_name("none")) == []


@pytest.mark.law("CKPT-001")
@pytest.mark.parametrize("first", [0, 2, 3, 5, 6])
def test_events_of_steps_that_are_made_again_are_forgotten(path, first):
    """Save those of a resume itself; nothing else is left in the folder, and no log is made where there was none."""
    drop_events(path, first)
    assert read_events(path) == [event for event in EVENTS if event.step < first or event.law == "CKPT-001"]
    drop_events(path.with_name("none"), first)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("kept", [1, 10, 50])
def test_an_end_that_was_cut_short_costs_its_own_event_alone(path, kept):
    """Wherever in the line the cut is."""
    *lines, last = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, last[:kept]]))
    assert read_events(path) == EVENTS[:-1]


@pytest.mark.parametrize(
    "change", [{"step": -(2**63) + 1}, {"step": 2**63 - 1}, *({"level": one} for one in LEVELS)], ids=str
)
def test_every_event_that_can_be_written_can_be_read(change):
    """Any level, and a step of as many digits as tables hold."""
    event = Event(**{**asdict(EVENTS[1]), **change})
    assert parse_event(json.dumps(asdict(event))) == event


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"step": 2**63}, "step 9223372036854775808"),
        ({"step": -(2**63)}, "step -9223372036854775808"),
        ({"step": True}, "step True"),
        ({"level": "loud"}, "with level 'loud'"),
        *(({key: 1}, "must be text") for key in ("law", "message", "value", "bound")),
        ({"fine": ["a", None]}, "must be text"),
        ({"rank": 1.0}, "rank 1.0"),
        ({"rank": True}, "rank True"),
    ],
)
def test_what_is_no_event_is_refused_in_words_that_name_it(path, change, words):
    """One line of it makes the file no log."""
    path.write_text(json.dumps(asdict(EVENTS[0]) | change) + "\n")
    with pytest.raises(InputError) as caught:
        read_events(path)
    assert "not an event log" in caught.value.problem
    assert words in caught.value.problem
    assert (caught.value.file, caught.value.remedy) == (str(path), "move the file away")
