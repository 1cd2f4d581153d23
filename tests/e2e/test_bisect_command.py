"""`neuromf bisect` as a user types it, with an oracle that costs nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuromf.bisect.executor import Answer
from neuromf.bisect.oracle import ProbeOutcome, ProbeVerdict
from neuromf.launch.submitit_jobs import WorkerResources
from tests.support.command_line import run_command

ROOT = Path(__file__).parents[2]
ASKED = ("phase4c", "failed_225", "--oracle", "law:JVP-003")
FINITE = "meanflow.fd_step + meanflow.jvp"


@pytest.fixture
def bisect(monkeypatch, capsys, tmp_path):
    """Run `neuromf bisect` in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(monkeypatch, capsys, "bisect", *arguments)


class Told:
    """A executor that trains nothing: it is told which configurations break."""

    size = 1

    def __init__(self, breaks):
        self.breaks, self.answers, self.asked = breaks, [], 0

    def submit(self, tasks):
        """Answer at once."""
        self.asked += len(tasks)
        for indexed in tasks:
            verdict = ProbeVerdict.BROKEN if self.breaks(indexed.task.config) else ProbeVerdict.HEALTHY
            self.answers.append(Answer(indexed.number, ProbeOutcome(verdict)))

    def wait(self):
        """Give all answers."""
        answers, self.answers = self.answers, []
        return answers

    def close(self):
        """Nothing runs."""


@pytest.fixture
def told(monkeypatch):
    """Have the command use such a executor."""

    def use(breaks):
        executor = Told(breaks)
        monkeypatch.setattr("neuromf.cli.bisect._executor", lambda *_, **__: executor)
        return executor

    return use


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
    command = [sys.executable, "-m", "neuromf", "bisect", *ASKED, "--out", str(tmp_path / "found")]
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
        (("phase4c",), "GOOD and BAD"),
        ((*ASKED, "--slurm-minutes", "5"), "--slurm-minutes: is of no use without --slurm"),
        ((*ASKED, "--slurm-gpus", "1"), "--slurm-gpus: is of no use without --slurm"),
        ((*ASKED, "--slurm-partition", "all"), "--slurm-partition: is of no use without --slurm"),
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


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ((), WorkerResources()),
        (
            ("--slurm-minutes", "5", "--slurm-gpus", "2", "--slurm-partition", "long"),
            WorkerResources(minutes=5, gpus=2, partition="long"),
        ),
    ],
)
def test_a_job_is_given_what_the_command_line_says(bisect, monkeypatch, options, wanted):
    """An hour, no GPU and the cluster's own partition unless something else is wanted."""
    seen = []

    def executor(_folder, jobs, resources):
        seen.append((jobs, resources))
        return Told(lambda config: config["meanflow.jvp"] != "exact")

    monkeypatch.setattr("neuromf.bisect.slurm.SlurmExecutor", executor)
    ended = bisect(*ASKED, "--slurm", *options, "--jobs", "3")
    assert ended.returncode == 0
    assert seen == [(3, wanted)]
    idle = "every probe computes on the CPU; --slurm-gpus are used with --full-scale alone\n"
    assert (idle in ended.stdout) is bool(wanted.gpus)


@pytest.mark.parametrize(
    ("options", "found", "device"),
    [
        ((), True, "cpu"),
        (("--full-scale",), True, "cuda"),
        (("--full-scale",), False, "cpu"),
        (("--full-scale", "--slurm"), True, "cpu"),
        (("--full-scale", "--slurm", "--slurm-gpus", "2"), False, "cuda"),
    ],
)
def test_every_probe_must_have_one_device_and_it_is_told(bisect, monkeypatch, options, found, device):
    """A job that asked for GPUs demands one, whatever this machine has; one that did not computes on the CPU."""
    told = Told(lambda config: config["meanflow.jvp"] != "exact")
    devices, submit = set(), told.submit

    def note(tasks):
        devices.update(indexed.task.device for indexed in tasks)
        submit(tasks)

    monkeypatch.setattr(told, "submit", note)
    monkeypatch.setattr("neuromf.cli.bisect._executor", lambda *_, **__: told)
    monkeypatch.setattr("torch.cuda.is_available", lambda: found)
    ended = bisect(*ASKED, *options)
    assert ended.returncode == 0, ended.stderr
    assert devices == {device}
    assert f"every probe computes on {'the CPU' if device == 'cpu' else 'cuda'}\n" in ended.stdout


def test_a_journal_in_use_and_a_finished_one_are_refused(bisect, tmp_path):
    """Two bisects never share one."""
    from neuromf.lock import Lock

    (tmp_path / "found").mkdir()
    journal = tmp_path / "found" / "journal.jsonl"
    with Lock(journal.with_name("journal.jsonl.lock"), what=journal, whose="another bisect"):
        ended = bisect(*ASKED, "--out", "found")
    assert ended.returncode == 2
    assert "is writing here" in ended.stderr
    assert bisect(*ASKED, "--out", "found").returncode == 0
    again = bisect(*ASKED, "--out", "found")
    assert again.returncode == 2
    assert "go on with --resume" in again.stderr


def test_what_the_scale_hides_is_printed_and_kept(bisect, told, tmp_path):
    """A larger batch is named as not compared; the learning rate beside it is, and found."""
    (tmp_path / "bad.yaml").write_text(
        "extends: phase4c\ntraining: {learning_rate: 0.001, batch_size_per_gpu: 4}\n", encoding="utf-8"
    )
    told(lambda config: config["training.learning_rate"] > 0.001)
    ended = bisect("phase4c", "bad.yaml", "--json", "answer.json")
    assert ended.returncode == 0, ended.stderr
    assert "not compared at this scale: training.batch_size_per_gpu; --full-scale compares them\n" in ended.stdout
    found = json.loads((tmp_path / "answer.json").read_text())
    assert found["hidden"] == ["training.batch_size_per_gpu"]
    assert [deltas(cause) for cause in found["causes"]] == [{"training.learning_rate"}]


def test_a_found_cause_beside_which_another_may_hide_says_so(bisect, told, tmp_path):
    """Without its missing accumulation the failed run's warm-up outlasts it: what that mixture does is not known."""
    told(lambda config: config["training.gradient_accumulation_steps"] == 1)
    ended = bisect("phase4c", "failed_225", "--json", "answer.json")
    assert ended.returncode == 0, ended.stderr
    assert "found: 1 mixture that should be healthy cannot be trained" in ended.stdout
    assert json.loads((tmp_path / "answer.json").read_text())["reason"].endswith("is not excluded")


def test_three_trainings_of_each_end_are_the_fewest(bisect, told):
    """With three the cause is found; two could not tell the ends apart, and none is started."""
    executor = told(lambda config: config["meanflow.jvp"] != "exact")
    ended = bisect("phase4c", "failed_225", "--seeds", "2", "--out", "two")
    assert ended.returncode == 2
    assert "--seeds" in ended.stderr
    assert executor.asked == 0
    assert bisect("phase4c", "failed_225", "--seeds", "3", "--out", "three").returncode == 0


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing/answer.json", "No such file"),
        (".", "Is a directory"),
        ("/proc/answer.json", "cannot be written"),
        ("good.yaml", "would be overwritten"),
        ("found/journal.jsonl", "would be overwritten"),
    ],
)
def test_an_answer_that_cannot_be_written_is_refused_before_any_training(bisect, told, tmp_path, path, words):
    """One sentence at the beginning, not after hours of training."""
    (tmp_path / "good.yaml").write_text("extends: phase4c\n", encoding="utf-8")
    executor = told(lambda config: config["meanflow.jvp"] != "exact")
    ended = bisect("good.yaml", "failed_225", "--out", "found", "--json", path)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "--json" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert executor.asked == 0
    assert (tmp_path / "good.yaml").read_text() == "extends: phase4c\n"


@pytest.mark.parametrize("before", [None, "old"])
def test_an_answer_takes_the_place_of_another_at_the_end_alone(bisect, told, tmp_path, before):
    """What stands there stays while the bisect works, and nothing is left of a check of the path."""
    target = tmp_path / "found" / "answer.json"
    target.parent.mkdir()
    if before is not None:
        target.write_text(before, encoding="utf-8")
    seen = []

    def breaks(config):
        seen.append(target.read_text(encoding="utf-8") if target.exists() else None)
        return config["meanflow.jvp"] != "exact"

    told(breaks)
    assert bisect("phase4c", "failed_225", "--out", "found", "--json", target).returncode == 0
    assert set(seen) == {before}
    assert json.loads(target.read_text(encoding="utf-8"))["ending"] == "found"
