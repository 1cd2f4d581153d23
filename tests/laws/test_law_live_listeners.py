"""What a live reading listens to: each number that an observer gets is spoilt alone, and its own laws alone speak."""

import math
from dataclasses import fields, replace

import pytest
from neuromf_spec.registry import laws

from neuromf.monitor.checks.coverage import Coverage
from neuromf.monitor.checks.step_checks import StepChecks
from neuromf.monitor.engine import Monitor
from neuromf.monitor.events import Event
from neuromf.monitor.guard.alarm import Alarm, Level, Verdict
from neuromf.trace.columns import COLUMNS, NAMES
from tests.support.edges.edge import plain
from tests.support.edges.of_step import CHECKS, MOMENTS, RATE, healthy_row, heard
from tests.support.told_laws import assert_told

LISTENERS = {
    "step": {"LR-002"},
    "frac_fm": {"TIME-002"},
    "rho": {"JVP-006"},
    "raw_fm": {"OBS-001"},
    "raw_mf": {"OBS-001"},
    "raw_total": {"OBS-001", "NUM-001", "WGT-002"},
    **{f"raw_ch{channel}": {"OBS-001"} for channel in range(4)},
    "grad_norm": {"NUM-001"},
    "lr": {"LR-002"},
}
"""Columns that a law judges in a step after the first; the others are recorded for the reader of the trace."""
FOUND = {
    "coverage": (replace(CHECKS.coverage, still=1), "OPT-002"),
    "stale": (1, "OPT-003"),
    "recorded": (3, "OPT-004"),
    "counted": (1, "OPT-004"),
    "average_updates": (2.0, "EMA-001"),
    "differing": ((0, 1), "BATCH-003"),
    "norm": (0.5, "OPT-005"),
    "clipped_norm": (7.3, "OPT-005"),
    "moments": ({**CHECKS.moments, "data.3": 99.0}, "DATA-003"),
}
"""A wrong value of each finding of the probe, and its law."""
STEEP = plain("training.lr_schedule=linear", "training.reported_loss=weighted")
RIGHT = healthy_row(step=1, lr=RATE * 5 / 6)
"""A row of `STEEP`, whose rate is another in each of its six steps."""
NUMBERS = (math.nan, math.inf, 1e6, -1.0, None)


def test_a_healthy_row_and_a_healthy_probe_are_told_nothing_of():
    """Without which the tests below would hear laws that speak of everything."""
    assert heard(RIGHT, CHECKS, STEEP) == set()


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_column_that_is_wrong_is_heard_by_its_own_laws_alone(column, request):
    """Each column of the trace, spoilt alone in several ways, makes the laws speak that judge it, and no others."""
    spoilt = {"int": (4,), "text": ("other",), "float": NUMBERS}[column.kind]
    told = [heard({**RIGHT, column.name: value}, CHECKS, STEEP) for value in spoilt]
    assert_told(request, set().union(*told), LISTENERS.get(column.name, set()))


@pytest.mark.parametrize("name", [field.name for field in fields(StepChecks)])
def test_a_finding_of_the_probe_is_heard_by_its_own_law_alone(name, request):
    """Each field of what the probe found, wrong alone, makes one law speak; a field without a law fails."""
    value, law = FOUND[name]
    assert_told(request, heard(RIGHT, replace(CHECKS, **{name: value}), STEEP), {law})


@pytest.mark.law("OPT-002")
@pytest.mark.parametrize("name", [field.name for field in fields(Coverage)])
def test_each_count_of_the_optimisers_cover_is_judged(name):
    """One parameter more or less in any of the counts is told, with its number."""
    covered = replace(CHECKS.coverage, **{name: getattr(CHECKS.coverage, name) + (-1 if name == "held" else 1)})
    events = Monitor(STEEP, MOMENTS).judge(RIGHT, Verdict(), replace(CHECKS, coverage=covered))
    assert [event.law for event in events] == ["OPT-002"]
    assert events[0].value.startswith("1 ")


@pytest.mark.parametrize("name", sorted(name for name, laws_told in LISTENERS.items() if len(laws_told) == 1))
def test_a_law_is_told_of_once_and_never_again(name):
    """Not in the next step, nor by the monitor of a resumed run that knows the event."""
    row = {**RIGHT, name: 4 if name == "step" else None if name.startswith("raw") else math.nan}
    monitor = Monitor(STEEP, MOMENTS)
    first, second = monitor.judge(row, Verdict(), CHECKS), monitor.judge(row, Verdict(), CHECKS)
    assert ([event.law for event in first], second) == (sorted(LISTENERS[name]), [])
    assert Monitor(STEEP, MOMENTS, known=first).judge(row, Verdict(), CHECKS) == []
    told_before = Event(step=0, level="info", law=first[0].law, message="only said")
    assert Monitor(STEEP, MOMENTS, known=[told_before]).judge(row, Verdict(), CHECKS) == first


def test_an_event_carries_step_value_bound_and_the_laws_that_held():
    """They are those of the step and of the reading; a law that fell is not among those that held."""
    (event,) = Monitor(STEEP, MOMENTS).judge({**RIGHT, "rho": 7.5}, Verdict(), CHECKS)
    assert (event.step, event.level, event.law, event.value, event.bound) == (1, "warn", "JVP-006", "7.5", "<= 3")
    judged = set().union(*LISTENERS.values()) | {law for _, law in FOUND.values()}
    assert event.fine == sorted(judged - {"JVP-006"})
    assert laws()["JVP-006"].title in event.message


@pytest.mark.parametrize("level", [Level.WARN, Level.HALT, Level.NONFINITE, Level.IRREPRODUCIBLE])
def test_a_fresh_alarm_of_the_guard_is_an_event_and_a_known_one_is_none(level):
    """All but a warning stop the run; rank, value and bound are the alarm's; its law is not told twice in a step."""
    alarm = Alarm("NUM-001", level, "a value", "a bound", "a sentence", rank=3)
    row = {**RIGHT, "grad_norm": math.nan}
    monitor = Monitor(STEEP, MOMENTS)
    (event,) = monitor.judge(row, Verdict((alarm,), (alarm,)), None)
    assert (event.level, event.rank) == ("warn" if level is Level.WARN else "halt", 3)
    assert (event.value, event.bound, event.message) == ("a value", "a bound", "a sentence")
    assert "NUM-001" not in event.fine
    assert monitor.judge(row, Verdict((alarm,), ()), None) == []


def test_without_monitors_the_guard_alone_is_heard():
    """The laws of a reading are not judged then, and a fresh alarm is told all the same."""
    config = plain("training.monitors=false")
    spoilt = {**RIGHT, **dict.fromkeys(("rho", "lr", "grad_norm"), math.nan)}
    alarm = Alarm("GUARD-005", Level.HALT, "", "", "")
    monitor = Monitor(config, MOMENTS)
    assert monitor.judge(spoilt, Verdict(), CHECKS) == []
    assert [event.law for event in monitor.judge(spoilt, Verdict((alarm,), (alarm,)), CHECKS)] == ["GUARD-005"]


@pytest.mark.law("OBS-001")
@pytest.mark.parametrize(("share", "absent"), [(0.0, "raw_fm"), (1.0, "raw_mf")])
def test_a_loss_of_samples_that_the_step_had_none_of_may_be_missing(share, absent):
    """Without FM samples there is no raw_fm, without MF samples no raw_mf; the other must be there all the same."""
    config = plain(f"time_sampling.data_proportion={share}")
    row = healthy_row(frac_fm=share)
    assert heard({**row, absent: None}, config=config) == set()
    for other in ("raw_fm", "raw_mf"):
        assert heard({**row, other: None, absent: 1.0}, config=config) == (set() if other == absent else {"OBS-001"})


def test_the_columns_with_listeners_are_columns_of_the_trace():
    """A name that is misspelt here would hold of nothing."""
    assert set(LISTENERS) <= set(NAMES)
