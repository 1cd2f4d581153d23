"""Which findings CI is told, with which level and at which place."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from neuromf.gate.ci.findings import with_findings
from tests.support.judged_config import judged, refused

pytestmark = pytest.mark.law("OBS-003")


def of_status(status, *, law_id="LR-003", remedy="Mend it."):
    """Findings of a verdict whose only law has a status."""
    verdict = judged("failed_225").verdict
    only = next(result for result in verdict.results if result.law_id == law_id)
    changed = replace(verdict, results=[replace(only, status=status, remedy=remedy)])
    return with_findings(changed, ["failed_225"], (), ()).findings


@pytest.mark.parametrize(
    ("status", "level"),
    [("block", "error"), ("policy", "error"), ("warn", "warning"), ("info", "note"), ("of the future", "warning")],
)
def test_a_broken_law_has_the_level_of_its_severity(status, level):
    """A severity that nobody has mapped is shown, and not dropped."""
    (finding,) = of_status(status)
    assert finding.level == level


def test_a_law_that_holds_is_no_finding():
    """Whether or not its number is worth reading."""
    assert of_status("info", remedy="") == of_status("pass", remedy="") == ()


def test_a_law_that_is_broken_on_paper_and_in_training_is_found_twice():
    """Each with its own number."""
    verdict = judged("failed_225").verdict
    live = [
        replace(result, where="smoke", value=7.0, unit="") for result in verdict.results if result.status == "block"
    ]
    twice = with_findings(replace(verdict, results=[*verdict.results, *live]), ["failed_225"], (), ())
    found = [finding for finding in twice.findings if finding.result.law_id == live[0].law_id]
    assert [": 7, bound" in finding.text for finding in found] == [False, True]


def test_sentences_of_a_finding_end_in_one_full_stop(tmp_path):
    """Whether a clause came with one or without."""
    (tmp_path / "a.yaml").write_text("extends: failed_225\n")
    for finding in judged(str(tmp_path / "a.yaml")).findings:
        assert re.search(r"\S\.\.( |$)", finding.text) is None
        assert finding.text.endswith("which this line extends.")


@pytest.mark.parametrize(
    ("layers", "code"),
    [(["recommended"], 0), (["phase4c"], 0), (["failed_225"], 1), (["recommended", "absent.yaml"], 2)],
)
def test_the_exit_code_follows_the_verdict(layers, code):
    """Warnings pass; what cannot be read is 2."""
    assert (refused if code == 2 else judged)(*layers).exit_code == code


def test_a_layer_that_is_not_there_is_told_in_the_last_file_that_is(tmp_path):
    """No line of it is wrong."""
    (tmp_path / "a.yaml").write_text("ema:\n  decay: 0.5\n")
    place = refused(str(tmp_path / "a.yaml"), "absent.yaml").place
    assert (place.file, place.line) == (Path(tmp_path / "a.yaml"), 1)
