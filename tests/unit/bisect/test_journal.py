"""The journal: nothing that ended is made again, nothing foreign is touched, one bisect at a time."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuromf.bisect.engine import bisect
from neuromf.bisect.journal import ProbeJournal
from neuromf.bisect.oracle import Probe, ProbeOutcome, ProbePurpose, ProbeVerdict
from neuromf.errors import InputError
from tests.support import interrupted_bisect as example

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path):
    """Where the journal is to be."""
    return tmp_path / "bisect.jsonl"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Bytes, answer and probes of a bisect that nobody disturbed."""
    path = tmp_path_factory.mktemp("whole") / "bisect.jsonl"
    with example.open_journal(path) as journal:
        conclusion = bisect(example.engine(), example.ORACLE, journal)
        return path.read_bytes(), conclusion, journal.observations


def finished(path):
    """Numbers of the finished probes, as often as they stand in the file."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line["index"] for line in lines if line["event"] == "finished"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_journal_cut_at_any_byte_goes_on_as_if_it_had_not_been(whole, path, share):
    """The same probes with the same seeds, the same answer, and byte for byte the same file."""
    text, conclusion, observations = whole
    path.write_bytes(text[: int(share * len(text))])
    with example.open_journal(path) as journal:
        kept = len(journal.observations)
        assert journal.observations == observations[:kept]
        assert len(journal.pending) <= 1
        assert bisect(example.engine(), example.ORACLE, journal) == conclusion
        assert journal.observations == observations
    assert path.read_bytes() == text


@pytest.mark.parametrize("delay", [0.0, 0.15])
def test_a_killed_bisect_goes_on(path, whole, delay):
    """SIGKILL while a probe runs: what had ended is not made again and the answer is that of the undisturbed bisect."""
    command = [sys.executable, "-m", "tests.support.interrupted_bisect", str(path), "0.05"]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT)
    while not path.exists() or len(path.read_text().splitlines()) < 4:
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = finished(path)
    with example.open_journal(path) as journal:
        assert bisect(example.engine(), example.ORACLE, journal) == whole[1]
    assert finished(path)[: len(before)] == before
    assert sorted(finished(path)) == list(range(len(whole[2])))


def test_two_bisects_on_one_journal_are_refused(path):
    """The second is told the process that holds it; when that one is done, it may."""
    with (
        example.open_journal(path),
        pytest.raises(InputError, match=rf"another bisect \(process {os.getpid()} on .* is writing"),
    ):
        example.open_journal(path)
    example.open_journal(path).close()


@pytest.mark.parametrize("change", [{"good": "2" * 64}, {"oracle": "law:JVP-003"}, {"budget": 7}, {"more": 1}])
def test_the_journal_of_another_question_is_refused_and_kept(path, whole, change):
    """Named by the key that differs; not a byte is written, and the lock is free again."""
    path.write_bytes(whole[0])
    with pytest.raises(InputError, match=f"{next(iter(change))}: belongs to another bisect"):
        ProbeJournal(path, {**example.QUESTION, **change}, example.NAMES)
    assert path.read_bytes() == whole[0]
    example.open_journal(path).close()


def test_a_journal_that_asked_for_more_is_refused(path, whole):
    """A key that this question does not have is a difference too."""
    path.write_bytes(whole[0])
    question = {key: value for key, value in example.QUESTION.items() if key != "oracle"}
    with pytest.raises(InputError, match="oracle: belongs to another bisect"):
        ProbeJournal(path, question, example.NAMES)


def test_probes_that_ran_side_by_side_when_it_was_killed_are_made_again(path, whole):
    """Three were running: each is made again with its own subset and seed, before anything new."""
    with example.open_journal(path) as journal:
        started = example.engine().next_probes([], [], 3)
        for probe in started:
            journal.start(probe)
    with example.open_journal(path) as journal:
        assert journal.pending == started
        assert bisect(example.engine(), example.ORACLE, journal).causes == whole[1].causes
        assert [o.probe for o in journal.observations[:3]] == started


def test_every_line_is_on_the_disk_before_it_counts(path, monkeypatch):
    """One sync for the question, one as a probe starts, one as it ends."""
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes().count(b"\n")))
    probe = Probe(index=0, subset=1, seed=0, purpose=ProbePurpose.SEARCH)
    with example.open_journal(path) as journal:
        journal.start(probe)
        journal.finish(probe, ProbeOutcome(ProbeVerdict.HEALTHY))
    assert synced == [1, 2, 3]


@pytest.mark.parametrize("text", [b"a note", b"a note\n", b"{}\n", b"[1]\n", b"\xff\n", b'{"event": "started"}\n'])
def test_a_file_that_is_no_journal_is_refused_and_kept(path, text):
    """With or without an end of line, nothing of it is cut or overwritten."""
    path.write_bytes(text)
    with pytest.raises(InputError, match="is not the journal of a bisect"):
        example.open_journal(path)
    assert path.read_bytes() == text


@pytest.mark.parametrize("damage", [b"{}", b"torn {", b'{"event": "finished", "index": 99}', b"", b"null"])
def test_damage_before_the_end_is_refused(path, whole, damage):
    """A line that no kill explains is not skipped."""
    lines = whole[0].split(b"\n")
    lines[3] = damage
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(InputError, match="line 4 is damaged"):
        example.open_journal(path)


def test_a_line_names_the_keys_of_its_probe(path):
    """A reader sees what was trained without decoding bits."""
    probe = Probe(index=0, subset=0b101, seed=7, purpose=ProbePurpose.SEARCH, universe=63)
    with example.open_journal(path) as journal:
        journal.start(probe)
        journal.start(probe)
        assert journal.pending == [probe]
        journal.finish(probe, ProbeOutcome(ProbeVerdict.BROKEN, 1.5, "raw loss 12"))
        with pytest.raises(ValueError, match="ended before"):
            journal.finish(probe, ProbeOutcome(ProbeVerdict.HEALTHY))
    started, ended = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    assert started["keys"] == ["a", "c"]
    assert (ended["verdict"], ended["cost"], ended["detail"]) == ("broken", 1.5, "raw loss 12")


def test_a_full_disk_is_told_with_the_journal_and_the_bisect_resumes(path, whole):
    """A sentence; the probe that was not noted is made again, and nobody is kept out by the lock."""
    text, conclusion, _ = whole
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = example.open_journal(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(text) // 2, hard))
    try:
        with pytest.raises(InputError, match=r"bisect\.jsonl: cannot be written \(File too large\)"), journal:
            bisect(example.engine(), example.ORACLE, journal)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    with example.open_journal(path) as journal:
        assert bisect(example.engine(), example.ORACLE, journal) == conclusion
    assert path.read_bytes() == text
