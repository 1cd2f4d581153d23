"""Claims on scans: one process has each, and whoever dies has none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuromf import lock
from neuromf.data import claims
from neuromf.data.claims import Claims
from neuromf.data.cohort import discover_scans
from neuromf.data.content import content_key
from neuromf.data.encode_job import EncodeJob
from neuromf.data.encoded import EncodedScans
from neuromf.lock_holder import Holder

HOLDS = """
import sys, time
from pathlib import Path
from neuromf.data.claims import Claims
with Claims(Path(sys.argv[1])) as held:
    print(held.take("one"), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that has claimed `one`."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path / "claims")], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.wait()


def test_a_claim_is_another_s_until_it_is_killed(tmp_path, holder):
    """Even by -9, of which nobody can clear up after itself."""
    with Claims(tmp_path / "claims") as mine:
        assert not mine.take("one")
        assert mine.take("two")
        assert not mine.take("two"), "not twice by the same process either"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert mine.take("one")
    assert not (tmp_path / "claims").exists()


def test_a_claim_that_was_let_go_of_is_free(tmp_path):
    """So is one whose block ended."""
    with Claims(tmp_path / "claims") as mine, Claims(tmp_path / "claims") as other:
        with mine.taken("one") as taken:
            assert taken
            assert not other.take("one")
        assert other.take("one")
        other.release("one")
        assert mine.take("one")


@pytest.fixture
def without_flock(monkeypatch):
    """A file system on which a file is the lock."""
    monkeypatch.setattr(lock, "_knows_flock", lambda path: False)


@pytest.mark.parametrize(("age", "free"), [(claims.GIVEN_UP_S - 60, False), (claims.GIVEN_UP_S + 60, True)])
def test_without_flock_a_claim_that_nobody_touches_is_taken_over(tmp_path, monkeypatch, without_flock, age, free):
    """Another machine's holder cannot be asked after: ten minutes without a sign are its end."""
    (tmp_path / "claims").mkdir()
    file = tmp_path / "claims" / "one.lock"
    there = Holder(host="elsewhere", process=1, since="yesterday", by_flock=False)
    file.write_text(there.text())
    os.utime(file, (time.time() - age, time.time() - age))
    with Claims(tmp_path / "claims") as mine:
        assert mine.take("one") == free


def test_a_holder_touches_what_it_has(tmp_path, monkeypatch):
    """A claim on a scan that takes an hour stays fresh."""
    monkeypatch.setattr(claims, "TOUCHED_EVERY_S", 0.05)
    with Claims(tmp_path / "claims") as mine:
        mine.take("one")
        file = tmp_path / "claims" / "one.lock"
        os.utime(file, (1e9, 1e9))
        deadline = time.monotonic() + 20
        while file.stat().st_mtime < 2e9 and time.monotonic() < deadline:
            time.sleep(0.02)
            if file.stat().st_mtime > 1.1e9:
                break
        assert file.stat().st_mtime > 1.1e9


def test_a_scan_that_another_is_at_is_left_to_it(tmp_path, cohort, preprocessing, codec, monkeypatch):
    """The others are encoded meanwhile; it is taken when it is free and still has no latent."""
    scans = discover_scans(cohort)
    kept = EncodedScans(tmp_path / "kept")
    name = content_key(str(scans[1].path.absolute()))[:32]
    order = []
    plain = kept.keep
    monkeypatch.setattr(kept, "keep", lambda digest, *more: order.append(digest) or plain(digest, *more))
    other = Claims(kept.folder / "claims")
    assert other.take(name)
    monkeypatch.setattr("neuromf.data.encode_job.time.sleep", lambda _: other.release(name))
    EncodeJob(scans, kept, preprocessing, codec).run()
    assert order == [kept.hashes.of(scans[index].path) for index in (0, 2, 1)]
