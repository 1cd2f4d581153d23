"""Every number that `neuromf bisect` prints is the one that its words name."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from neuromf.bisect.choice import Best
from neuromf.bisect.engine import SearchProgress
from neuromf.bisect.oracle import Observation, Probe, ProbeOutcome, ProbePurpose, ProbeVerdict
from neuromf.bisect.session import Ended
from neuromf.cli.bisect_console import print_answer, probe_printer

pytestmark = pytest.mark.law("OBS-002")

STUDY = SimpleNamespace(names=["a.one", "b.two", "c.three"], repeats=5)
FOUND = {
    "causes": [
        {"deltas": [{"keys": ["a.one"], "good": [11], "bad": [12]}, {"keys": ["b.two"], "good": [13], "bad": [14]}],
         "laws": [{"law": "LR-003", "title": "warm-up", "found": "15 %"}]},
        {"deltas": [{"keys": ["c.three"], "good": [16], "bad": [17]}], "laws": []},
    ],
    "claims": [{"says": "breaks alone", "keys": ["a.one", "b.two"], "standing": "sure", "broken": 21, "healthy": 22},
               {"says": "breaks too", "keys": ["c.three"], "standing": "open", "broken": 23, "healthy": 24}],
    "ending": "found", "reason": "", "guess": [], "probes": 31, "seconds": 321.6, "posterior": 0.9876,
}  # fmt: skip


def printed(**changes) -> list[str]:
    stream = io.StringIO()
    print_answer(Console(file=stream, width=200), FOUND | changes, ["evidence.csv"])
    return [" ".join(line.replace("│", " ").replace("┃", " ").split()) for line in stream.getvalue().splitlines()]


def test_a_cause_is_told_with_both_values_of_each_key():
    """Good under good, bad under bad, cause by cause, with the laws that it breaks."""
    lines = [line for line in printed() if line and line[0].isalnum()]
    assert lines[:8] == [
        "cause 1", "key good bad", "a.one 11 12", "b.two 13 14", "breaks LR-003, warm-up: 15 %",
        "cause 2", "key good bad", "c.three 16 17",
    ]  # fmt: skip


def test_a_claim_is_told_with_its_trainings():
    """Broken under broken, healthy under healthy."""
    lines = printed()
    start = lines.index("claim keys status broken healthy")
    assert [line for line in lines[start + 1 :] if line.startswith("breaks")] == [
        "breaks alone a.one, b.two sure 21 22", "breaks too c.three open 23 24",
    ]  # fmt: skip


def test_the_last_lines_tell_certainty_and_cost():
    """Posterior, probes and seconds."""
    assert printed()[-2:] == ["found; posterior 0.988; 31 probes, 322 s of training", "files: evidence.csv"]
    assert printed(guess=["c.three"], reason="budget")[-2].startswith(
        "found: budget; guess ['c.three'], not verified; "
    )


def ended(progress, finished=7):
    probe = Probe(index=41, subset=0b101, seed=42, purpose=ProbePurpose.SEARCH)
    return Ended(Observation(probe, ProbeOutcome(ProbeVerdict.BROKEN, 43.26, "raw 44")), progress, finished)


def test_a_probe_is_told_with_its_number_its_seconds_and_what_is_left():
    """Its index and not its seed; the likeliest causes with their probability, and about how many more probes."""
    progress = SearchProgress(leaders=(Best((0b11, 0b100), 0.7654), Best((), 0.1)), probes=45, left=46)
    stream = io.StringIO()
    with probe_printer(Console(file=stream, width=200), STUDY) as show:
        show(ended(progress))
        show(ended(None))
    first, second = stream.getvalue().splitlines()
    assert first == ("probe 41 (search): broken, 43.3 s, raw 44; 0.77 {a.one, b.two} or {c.three}, about 46 left")
    assert second.endswith("; calibrating, about 3 left")
