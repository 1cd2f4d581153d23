"""What a diagnosis reads from validations."""

import pytest

from neuromf.diagnosis.diagnosis import diagnose
from neuromf.diagnosis.held_out import held_out_signs
from neuromf.diagnosis.symptoms.evidence import LIMIT
from neuromf.golden.case import read_case
from neuromf.monitor.events import Event
from neuromf.trace.reader import read_rows
from tests.support.tiny_run import make_tiny_config
from tests.support.validations import validation_rows

CONFIG = make_tiny_config("training.validate_every_epochs=1")
BY_HEART = "training scans that are known by heart"


def suspects(values, gaps, events=()):
    rows = read_rows(read_case("x_exact").trace)
    return diagnose(read_case("x_exact").config, rows, events, None, validation_rows(values, gaps))


@pytest.mark.law("VAL-005")
def test_a_run_whose_gap_is_sure_and_large_is_named_with_its_numbers():
    """First of all suspects: the gap, its interval, and how far the newest validation is above the best."""
    first = suspects([0.9, 0.5, 0.8], [0.0, 0.2, 0.9])[0]
    assert (first.name, first.law) == (BY_HEART, "VAL-005")
    assert any(
        "90 % above training scans (65 to 115 with 99.9 % confidence, 6 scans)" in say for say in first.supporting
    )
    assert any("1.6 times its best, 0.5 after epoch 2" in say for say in first.supporting)
    assert first.score > 0.9


@pytest.mark.parametrize("gaps", [[0.0, 0.02, 0.05], [0.5, 0.4, 0.2]])
def test_a_gap_whose_interval_reaches_0_is_no_symptom(gaps):
    """Nor is one that was there and went."""
    assert suspects([0.9, 0.8, 0.7], gaps) == []


def test_an_event_and_the_newest_row_make_one_suspect():
    """The law is told of once."""
    event = Event(step=5, level="warn", law="VAL-005", message="m")
    found = suspects([0.9, 0.8], [0.0, 0.9], [event])
    assert [suspect.name for suspect in found if suspect.law == "VAL-005"] == [BY_HEART]


def test_signs_need_validations():
    """None of none; of a single one no course."""
    assert dict(held_out_signs(CONFIG, [])) == {}
    signs = dict(held_out_signs(CONFIG, validation_rows([0.9], [0.9])))
    assert {name: reading.points for name, reading in signs.items()} == {"memorised": LIMIT}
