"""`neuromf bisect` as a user types it, with an oracle that costs nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import run_command

ROOT = Path(__file__).parents[2]
ASKED = ("phase4c", "failed_225", "--oracle", "law:JVP-003")
FINITE = "meanflow.fd_step + meanflow.jvp"


@pytest.fixture
def bisect(monkeypatch, capsys, tmp_path):
    """Run `neuromf bisect` in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(monkeypatch, capsys, "bisect", *arguments)


def deltas(cause):
    return {" + ".join(delta["keys"]) for delta in cause["deltas"]}


def test_both_causes_are_found_verified_and_left_as_files(bisect, tmp_path):
    """A finite difference is inaccurate in bf16 and at a scale of 1000: two causes of two deltas, with their laws."""
    ended = bisect(*ASKED, "--jobs", "2", "--out", "found", "--json", "answer.json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "answer.json").read_text())
    causes = [deltas(cause) for cause in found["causes"]]
    assert sorted(map(sorted, causes)) == [[FINITE, "training.precision"], [FINITE, "unet.time_scale"]]
    assert all("JVP-003" in {law["law"] for law in cause["laws"]} for cause in found["causes"])
    assert all(claim["standing"] == "confirmed" for claim in found["claims"])
    assert "probe 3 (calibrate): broken" in ended.stdout
    tests = sorted(path.name for path in (tmp_path / "found").glob("test_*.py"))
    assert tests == ["test_cause0.py", "test_cause1.py"]
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests[0]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(run, cwd=tmp_path / "found", env=environment, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout


def test_a_killed_bisect_goes_on_without_repeating_a_finished_probe(bisect, tmp_path):
    """Kill -9 after some probes; resumed, every probe is finished once and the answer is there."""
    journal = tmp_path / "found" / "journal.jsonl"
    command = [sys.executable, "-m", "tools.cli", "bisect", *ASKED, "--out", str(tmp_path / "found")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    while not (journal.is_file() and journal.read_bytes().count(b'"finished"') >= 4):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = journal.read_bytes()
    ended = bisect(*ASKED, "--out", "found", "--resume")
    assert ended.returncode == 0, ended.stderr
    after = journal.read_bytes()
    assert after.startswith(before[: before.rfind(b"\n") + 1])
    lines = [json.loads(line) for line in after.splitlines()]
    finished = [line["index"] for line in lines if line["event"] == "finished"]
    assert len(finished) == len(set(finished)) > 10


def test_a_search_without_probes_is_inconclusive(bisect):
    """Exit code 3, and the guess is called one."""
    ended = bisect(*ASKED, "--budget", "1")
    assert ended.returncode == 3
    assert "budget spent" in ended.stdout
    assert "not verified" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("phase4c", "phase4c"), "identical"),
        (("phase4c", "nothing.yaml"), "neither a recipe nor a file"),
        (("phase4c", "broken.yaml"), "broken.yaml"),
        (("phase4c", "failed_225", "--oracle", "vibes"), "is no oracle"),
        (("failed_225", "phase4c", "--oracle", "law:JVP-003"), "do not separate"),
        (("phase4c", "far.yaml", "--full-scale"), "at most 24 can be bisected"),
        ((*ASKED, "--resume"), "holds no bisect to resume"),
        ((*ASKED, "--out", "broken.yaml"), "is a file"),
        ((*ASKED, "--json", "none/answer.json"), "a folder that exists"),
        (("--commits", "a..b"), "--case"),
        (("--commits", "a", "--case", "x_exact"), "is no range"),
        (("phase4c",), "GOOD and BAD"),
    ],
)
def test_nonsense_is_one_sentence(bisect, tmp_path, arguments, words):
    """Exit code 2, and no traceback."""
    (tmp_path / "broken.yaml").write_text("training: [", encoding="utf-8")
    (tmp_path / "far.yaml").write_text(
        "extends: failed_225\n"
        "data: {demo_subjects: 9, demo_seed: 1, spacing_mm: 2.0, intensity_percentiles: [1.0, 99.0], split_seed: 1}\n"
        "unet: {num_res_blocks: 1}\nmeanflow: {norm_p: 0.5, t_min: 0.02}\n"
        "time_sampling: {mu: 0.0, sigma: 2.0, uniform_fraction: 0.5}\n"
        "training: {micro_batches_per_epoch: 50, batch_size_per_gpu: 4}\n",
        encoding="utf-8",
    )
    ended = bisect(*arguments)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_journal_in_use_and_a_finished_one_are_refused(bisect, tmp_path):
    """Two bisects never share one."""
    from tools.bisect.lock import JournalLock

    (tmp_path / "found").mkdir()
    lock = JournalLock(tmp_path / "found" / "journal.jsonl")
    ended = bisect(*ASKED, "--out", "found")
    lock.release()
    assert ended.returncode == 2
    assert "is writing this journal" in ended.stderr
    assert bisect(*ASKED, "--out", "found").returncode == 0
    again = bisect(*ASKED, "--out", "found")
    assert again.returncode == 2
    assert "go on with --resume" in again.stderr
