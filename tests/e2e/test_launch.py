"""`neuromf launch` with a scheduler of two lines, and its job script in a real shell."""

import inspect
import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

import neuromf.cli.smoke_training
from neuromf.cli.train import train
from neuromf.config import config_hash, load_config
from neuromf.config.resolve import resolved_text
from neuromf.gate.verdict import GateVerdict
from neuromf.launch.encoding_job import EncodingJob
from neuromf.launch.job import SlurmJob
from neuromf.launch.options import UserOptions
from neuromf.trace.reader import read_trace
from neuromf.training.checkpoints.checkpoint import latest_checkpoint
from neuromf.training.latents.store import training_store
from tests.support.bad_scans import write_bad, write_good
from tests.support.command_line import run_command
from tests.support.tiny_run import make_tiny_config

ROOT = Path(__file__).parents[2]


def program(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


TEST_ONLY = 'case "$*" in *--test-only*) cat > /dev/null; exit 0 ;; esac'
"""A cluster that would take any job."""


def scontrol(folder, shown=""):
    """Notes what is queued again in `asked`, and shows a job."""
    requeue = f'echo "$@" >> {folder}/asked'
    program(folder / "bin", "scontrol", f'case "$1" in show) echo "{shown}" ;; *) {requeue} ;; esac')
    program(folder / "bin", "srun", "exit 1")


@pytest.fixture
def launch(monkeypatch, capsys, tmp_path):
    """Run `neuromf launch` where `sbatch` queues nothing; the smoke training is left out, the laws are asked."""
    program(tmp_path / "bin", "sbatch", f'{TEST_ONLY}; echo "$@" >> {tmp_path}/queued; echo "4711;cluster"')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "bin"))  # no site file of whoever runs the tests
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(neuromf.cli.smoke_training, "smoke_training", lambda candidate: None)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(monkeypatch, capsys, "launch", *arguments)


def test_what_passes_is_queued_with_the_verdict_on_it(launch, tmp_path):
    """The script trains the very configuration that was judged, and the ticket is for that."""
    ended = launch("smoke", "--out", "run", "--set", "training.seed=3", "--minutes", "90", "--sbatch=--account=ours")

    assert ended.returncode == 0
    assert "job 4711 trains" in ended.stdout
    folder = tmp_path / "run.launch"
    judged = load_config(["smoke"], ["training.seed=3"])
    assert load_config([str(folder / "config.yaml")]) == judged
    assert json.loads((folder / "ticket.json").read_text())["config_hash"] == config_hash(judged)
    assert (tmp_path / "queued").read_text() == f"--parsable {folder / 'job.sh'}\n"
    lines = (folder / "job.sh").read_text().splitlines()
    assert {"#SBATCH --time=90", "#SBATCH --account=ours", "#SBATCH --gpus-per-node=1"} <= set(lines)
    assert not (tmp_path / "run").exists()


def test_what_was_chosen_is_kept_beside_the_script(launch, tmp_path):
    """launch.json says each value and its place, and the launch prints what is no default."""
    (tmp_path / "site.yaml").write_text("account: theirs\n")
    ended = launch("smoke", "--out", "run", "--site", "site.yaml", "--minutes", "90")
    record = json.loads((tmp_path / "run.launch" / "launch.json").read_text())["training"]
    assert record["account"] == {"value": "theirs", "from": "site.yaml"}
    assert record["minutes"] == {"value": 90, "from": "the command"}
    assert "asks for account theirs (site.yaml)" in ended.stdout


def test_what_the_cluster_refuses_is_told_before_the_gate(launch, monkeypatch, tmp_path):
    """Neither scans nor smoke training are begun; --no-cluster-test does not ask."""
    begun = []
    monkeypatch.setattr(neuromf.cli.smoke_training, "smoke_training", begun.append)
    refusal = "echo 'sbatch: a greeting' >&2; echo 'allocation failure: no such nodes' >&2; exit 1"
    asks = f'case "$*" in *--test-only*) cat > {tmp_path}/bin/asked; {refusal} ;; esac; echo 4711'
    program(tmp_path / "bin", "sbatch", asks)
    ended = launch("smoke", "--out", "run")
    assert ended.returncode == 2
    assert "the cluster would refuse job.sh: allocation failure: no such nodes;" in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}
    assert begun == []
    asked = (tmp_path / "bin" / "asked").read_text()
    assert launch("smoke", "--out", "run", "--no-cluster-test").returncode == 0
    assert asked == (tmp_path / "run.launch" / "job.sh").read_text()
    assert len(begun) == 1


def test_a_dry_run_prints_the_script_and_asks_the_cluster(launch, monkeypatch, tmp_path):
    """Nothing is judged, written or queued; the script is the one that a launch would write."""
    dry = launch("smoke", "--out", "run", "--dry-run", "--partition", "fast")
    assert dry.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}
    assert dry.stdout.startswith("# partition fast (the command)\n")
    assert dry.stdout.endswith("# the cluster would take it\n")
    assert launch("smoke", "--out", "run", "--partition", "fast").returncode == 0
    assert (tmp_path / "run.launch" / "job.sh").read_text() in dry.stdout
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "would take it" not in launch("smoke", "--out", "other", "--dry-run").stdout


def test_what_a_law_blocks_is_not_queued(launch, tmp_path):
    """Exit code 1 with the table of the gate, and nothing is written."""
    ended = launch("failed_225", "--out", "run")  # whose autoencoder is not here either
    assert ended.returncode == 1
    assert "blocked by: JVP-003" in ended.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


def test_written_only_it_waits_for_its_user(launch, tmp_path):
    """--write-only leaves the script and says what to type."""
    ended = launch("smoke", "--out", "run", "--write-only")
    assert ended.returncode == 0
    assert f"next: sbatch {tmp_path / 'run.launch' / 'job.sh'}" in ended.stdout
    assert not (tmp_path / "queued").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["smoke", "--out", "bin"], "exists already"),
        (["smoke", "--out", "no/such/run"], "no place for a run"),
        (["smoke", "--out", "/"], "no place for a run"),
        (["smoke", "--out", "a\nb"], "cannot stand in a script"),
        (["smoke", "--out", "a\udcff"], "cannot stand in a script"),
        (["smoke", "--out", "run", "--partition", "gpu\ntouch x"], "cannot stand in a script"),
        (["smoke", "--out", "run", "--gpus", "3"], "cannot be shared by 3"),
        (["smoke", "--out", "run", "--sbatch", "account"], "no option"),
        (["smoke", "--out", "run", "--sbatch", "--a=b\n#SBATCH --c"], "cannot stand in a script"),
        (["smoke", "--out", "run", "--set", "data.source=folder", "--set", "data.root=none"], "no such folder"),
        (["smoke", "--out", "run", "--minutes", "0"], "minutes"),
        (["smoke", "--out", "run", "--nodes", "2"], "1 GPUs cannot be shared evenly by 2 nodes"),
        (["smoke", "--out", "run", "--site", "absent.yaml"], "absent.yaml: cannot be read"),
        (["smoke", "--out", "run", "--gres", "gpu:a100:4"], "asks for 4 GPUs on a node"),
        (["smoke", "--out", "run", "--account", "a\nb"], "cannot stand in a script"),
        (["smoke", "--out", "a\\b"], "holds a backslash"),
        (["smoke", "--out", "run", "--sbatch=--array=1-4"], "several trainers would share one run folder"),
        (
            ["smoke", "--out", "run", "--sbatch=--gres=gpu:2"],
            "asks for 2 GPUs, and --gpus or training.gpus for 1 ",
        ),
        (["smoke", "--out", "run", "--gpus", "0", "--sbatch=-G1"], "asks for 1 GPU, and"),
        (["smoke", "--out", "run", "--minutes", "9", "--sbatch=-t 60"], "contradicts --minutes"),
    ],
)
def test_what_would_end_the_job_ends_the_launch(launch, tmp_path, arguments, words):
    """One sentence, exit code 2, nothing written and nothing queued."""
    ended = launch(*arguments)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


def test_a_job_that_would_miss_its_autoencoder_is_not_queued(launch, tmp_path):
    """The gate lets the demo autoencoder stand in; a training cannot, so that the launch blocks."""
    ended = launch("recommended", "--out", "run")
    assert ended.returncode == 1
    assert "autoencoder_v2.pt: there is no such autoencoder file" in ended.stdout
    assert "blocked by: DATA-005" in ended.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


def test_a_job_on_scans_that_cannot_be_used_is_not_queued(launch, tmp_path):
    """All of them are told before anything is queued or trained."""
    write_good(tmp_path / "scans", 4)
    bad = write_bad(tmp_path / "scans")
    ended = launch("smoke", "--out", "run", "--set", "data.source=folder", "--set", f"data.root={tmp_path / 'scans'}")
    assert ended.returncode == 1
    assert "blocked by: DATA-004" in ended.stdout
    assert f"{len(bad)} of {len(bad) + 4} scans" in " ".join(ended.stdout.split())
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "scans"}


@pytest.fixture
def own_scans(tmp_path, monkeypatch):
    """Options that train on a folder of four small scans, in a cache of its own."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    write_good(tmp_path / "scans", 4)
    return ["--set", "data.source=folder", "--set", f"data.root={tmp_path / 'scans'}"]


def test_scans_are_encoded_by_a_job_of_its_own_before_the_training(launch, own_scans, tmp_path):
    """The training waits for it, leaves the queue if it fails, and is alone where the scans are encoded already."""
    ended = launch("smoke", "--out", "run", "--encoders", "3", *own_scans)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    folder = tmp_path / "run.launch"
    first, second = (tmp_path / "queued").read_text().splitlines()
    assert first == f"--parsable {folder / 'encode.sh'}"
    assert second == f"--parsable --dependency=afterok:4711 --kill-on-invalid-dep=yes {folder / 'job.sh'}"
    script = (folder / "encode.sh").read_text()
    assert f"-m neuromf encode {folder / 'config.yaml'} --device cuda --progress" in script
    assert "#SBATCH --array=0-2" in script
    assert {"#SBATCH --cpus-per-task=5", "#SBATCH --gpus-per-node=1"} <= set(script.splitlines())
    assert "%A_%a.log" in script
    training_store(load_config([str(folder / "config.yaml")]))
    (tmp_path / "queued").unlink()
    assert launch("smoke", "--out", "again", *own_scans).returncode == 0
    assert (tmp_path / "queued").read_text() == f"--parsable {tmp_path / 'again.launch' / 'job.sh'}\n"


def test_an_encoding_whose_training_is_refused_is_taken_back(launch, own_scans, tmp_path):
    """Nobody would train on what it makes, and the next launch finds its place free."""
    program(tmp_path / "bin", "sbatch", f'{TEST_ONLY}; case "$*" in *afterok*) exit 1 ;; esac; echo 4711')
    program(tmp_path / "bin", "scancel", f'echo "$@" > {tmp_path}/cancelled')
    assert launch("smoke", "--out", "run", *own_scans).returncode == 2
    assert (tmp_path / "cancelled").read_text() == "4711\n"
    assert not (tmp_path / "run.launch").exists()


@pytest.mark.parametrize(
    ("sbatch", "words"), [("echo 'invalid account' >&2; exit 1", "job: invalid account"), (None, "no sbatch here")]
)
def test_a_refused_job_leaves_nothing_in_the_way(launch, monkeypatch, tmp_path, sbatch, words):
    """What the scheduler says is passed on, and the same launch may be tried again."""
    if sbatch is None:
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        program(tmp_path / "bin", "sbatch", f"{TEST_ONLY}; {sbatch}")
    ended = launch("smoke", "--out", "run")
    assert ended.returncode == 2
    assert words in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


def test_the_users_word_replaces_ours_in_the_script(launch, tmp_path):
    """GPUs as this cluster wants them asked for, its names for memory and cores: none of ours stands beside them."""
    words = ["--gres=gpu:a100:1", "--mem-per-cpu 8G", "-c 5", "-J mine", "-t 2-0", "--qos=high"]
    assert launch("smoke", "--out", "run", *(f"--sbatch={word}" for word in words)).returncode == 0
    head = [line.removeprefix("#SBATCH ") for line in (tmp_path / "run.launch" / "job.sh").read_text().splitlines()]
    head = head[: head.index("set -u")]
    assert head[-6:] == words
    names = {line.partition("=")[0] for line in head}
    assert not names & {"--gpus-per-node", "--mem", "--cpus-per-task", "--job-name", "--time"}
    assert {"--output", "--requeue", "--signal", "--qos"} <= names
    assert "--device cuda" in (tmp_path / "run.launch" / "job.sh").read_text()


def test_a_job_asks_for_cores_and_memory(launch, tmp_path):
    """A process and two workers on a GPU; what a cluster gives unasked, one core and a few GB, would kill it."""
    assert launch("smoke", "--out", "run").returncode == 0
    lines = (tmp_path / "run.launch" / "job.sh").read_text().splitlines()
    assert {"#SBATCH --cpus-per-task=3", "#SBATCH --mem=8G"} <= set(lines)


def test_a_users_own_defaults_do_not_break_a_job_in_silence(launch, monkeypatch, tmp_path):
    """Variables that outweigh the script's options are kept from sbatch where the job stands on those."""
    program(tmp_path / "bin", "sbatch", f'env > {tmp_path}/bin/seen; cat > /dev/null; echo "4711"')
    for name in ("SBATCH_SIGNAL", "SBATCH_ARRAY_INX", "SBATCH_NO_REQUEUE", "SBATCH_ACCOUNT"):
        monkeypatch.setenv(name, "x")
    assert launch("smoke", "--out", "run").returncode == 0
    seen = {line.partition("=")[0] for line in (tmp_path / "bin" / "seen").read_text().splitlines()}
    assert {name for name in seen if name.startswith("SBATCH_")} == {"SBATCH_ACCOUNT"}


def test_the_smoke_training_of_a_launch_takes_few_threads(launch, monkeypatch):
    """Two at most, and what torch had before is there again."""
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(5)
    try:
        note = lambda candidate: seen.append(torch.get_num_threads())  # noqa: E731
        monkeypatch.setattr(neuromf.cli.smoke_training, "smoke_training", note)
        assert launch("smoke", "--out", "run").returncode == 0
        assert (seen, torch.get_num_threads()) == ([2], 5)
    finally:
        torch.set_num_threads(before)


def test_leave_lets_a_job_be_queued(launch, tmp_path):
    """A file of waivers counts for the launch, and the ticket ends with it."""
    (tmp_path / "waivers.toml").write_text(
        '[[waiver]]\nlaw = "TIME-007"\nconfig = "smoke"\nreason = "a test"\nowner = "us"\nexpires = 2999-01-01\n'
    )
    broken = ["smoke", "--out", "run", "--set", "time_sampling.data_proportion=1.0"]
    assert launch(*broken).returncode == 1
    assert launch(*broken, "--waivers", "waivers.toml").returncode == 0
    ticket = json.loads((tmp_path / "run.launch" / "ticket.json").read_text())
    assert (ticket["status"], ticket["waived"], ticket["expires"]) == ("PASS", ["TIME-007"], "2999-01-01")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ((), "No space left on device"),
        (("--write-only",), "--out: cannot be written (No space left on device); give an --out where there is room."),
    ],
)
def test_a_disk_that_is_full_leaves_nothing_behind(launch, monkeypatch, tmp_path, typed, said):
    """The folder of a launch is there whole or not at all."""
    monkeypatch.setattr(SlurmJob, "text", lambda job: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    ended = launch("smoke", "--out", "run", *typed)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


def make_job(tmp_path, gpus=0, **more):
    return SlurmJob(
        cwd=tmp_path, run=tmp_path / "a run", folder=tmp_path / "a run.launch", gpus=gpus, minutes=5, **more
    )


def test_a_job_on_two_gpus_is_told_its_time_is_up_and_tells_its_processes(tmp_path):
    """What SLURM and torchrun must be asked for, line by line."""
    text = make_job(tmp_path / "100%", gpus=2, partition="gpu").text()
    head = [line for line in text.splitlines() if line.startswith(("#!", "#SBATCH"))]
    assert head == [
        "#!/bin/bash",
        "#SBATCH --job-name='a run'",
        f"#SBATCH --output='{tmp_path}/100%%/a run.launch/%j.log'",
        "#SBATCH --open-mode=append",
        "#SBATCH --nodes=1",
        "#SBATCH --ntasks=1",
        "#SBATCH --time=5",
        "#SBATCH --requeue",
        "#SBATCH --signal=B:USR1@120",
        "#SBATCH --gpus-per-node=2",
        "#SBATCH --partition=gpu",
    ]
    torchrun = "-m torch.distributed.run --nproc-per-node=2 --signals-to-handle SIGTERM,SIGUSR1 --standalone -m neuromf"
    assert "export TORCH_ELASTIC_SHUTDOWN_TIMEOUT=120" in text
    longer = make_job(tmp_path, gpus=2, options=UserOptions.read(["--signal=B:USR1@600"]))
    assert "export TORCH_ELASTIC_SHUTDOWN_TIMEOUT=600" in longer.text()
    assert f" {torchrun} train " in text
    assert " --device cuda " in text
    assert "export PYTHONSAFEPATH=1" in text


@pytest.mark.parametrize("name", ["a run", 'it\'s "one"', "100% %j", "$HOME `id` #1", "a;b & c", "-x"])
def test_a_job_finds_its_folders_whatever_they_are_called(tmp_path, monkeypatch, name):
    """Spaces, quotes, percent and dollar signs, for bash and for sbatch; no program but its own on its path."""
    home = tmp_path / name
    home.mkdir()
    program(home, "training", 'printf \'%s\\n\' "$PWD" "$@" > seen')
    monkeypatch.setattr("sys.executable", str(home / "training"))
    job = SlurmJob(cwd=home, run=home / f"run {name}", folder=home / f"{name}.launch", gpus=0, minutes=5)
    job.folder.mkdir()
    job.script.write_text(job.text())
    bash = shutil.which("bash")
    ended = subprocess.run([bash, job.script], env={"PATH": str(tmp_path / "none")}, cwd="/", check=False)
    assert ended.returncode == 0
    folder, *words = (home / "seen").read_text().splitlines()
    assert folder == str(home)
    assert words[words.index("--out") + 1] == str(job.run)
    assert words[words.index("--progress") + 1] == str(job.folder / "progress")
    head = [line for line in job.text().splitlines() if line.startswith("#SBATCH ")]
    told = dict(word.partition("=")[::2] for line in head for word in shlex.split(line.removeprefix("#SBATCH ")))
    assert told["--output"] == f"{job.folder}/%j.log".replace("%", "%%").replace("%%j.log", "%j.log")
    assert told["--job-name"] == job.run.name


STUB = """\
trap 'exit $ON_USR1' USR1
trap 'exit $ON_TERM' TERM
touch started
n=0
while [ $n -lt 500 ]; do n=$((n + 1)); sleep 0.02; done
"""


def test_a_signal_that_comes_as_the_training_starts_is_passed_on(tmp_path, monkeypatch):
    """Sent by the training's own first act, to a shell that is slow to note whom it has started."""
    first_act = STUB.replace("touch started", "kill -USR1 $PPID")
    program(tmp_path / "bin", "training", first_act)
    scontrol(tmp_path)
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "training"))
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "ON_USR1": "75"}
    job = make_job(tmp_path)
    job.folder.mkdir()
    text = job.text()
    slow = text.replace("training=$!", "sleep 0.5\ntraining=$!")
    for number, script in (("7", text), ("8", slow)):
        around = environment | {"SLURM_JOB_ID": number}
        assert subprocess.run(["bash", "-c", script], env=around, check=False, timeout=20).returncode == 75
    assert slow != text
    assert (tmp_path / "asked").read_text() == "requeue 7\nrequeue 8\n"


@pytest.mark.parametrize("gpus", [0, 2])
@pytest.mark.parametrize(
    ("sent", "code", "again"),
    [
        (signal.SIGUSR1, 75, True),
        (signal.SIGUSR1, 138, True),
        (signal.SIGUSR1, 1, "torchrun"),
        (signal.SIGUSR1, 0, False),
        (signal.SIGUSR1, 16, False),
        (signal.SIGUSR1, 17, False),
        (signal.SIGTERM, 75, False),
    ],
)
def test_a_job_is_queued_again_when_its_time_ended_it_and_only_then(tmp_path, monkeypatch, gpus, sent, code, again):
    """A run that finished, was halted or was cancelled is not; the job ends with the training's own code."""
    program(tmp_path / "bin", "training", STUB)
    scontrol(tmp_path)
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "training"))
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "SLURM_JOB_ID": "7"}
    environment |= {"ON_USR1": str(code), "ON_TERM": str(code)}
    job = make_job(tmp_path, gpus)
    job.folder.mkdir()
    shell = subprocess.Popen(["bash", "-c", job.text()], env=environment, cwd="/")
    while not (tmp_path / "started").exists():  # in the folder of the launch, wherever the job begins
        time.sleep(0.01)
    shell.send_signal(sent)
    assert shell.wait(timeout=20) == code
    assert (tmp_path / "asked").exists() is (again is True or (again == "torchrun" and gpus == 2))


class Turns:
    """A job whose trainer works until it is told that its time is up, and is started turn by turn.

    Args:
        folder: where it lies.
        gpus: of the job.
        more: further facts of the job.
    """

    def __init__(self, folder, gpus=0, **more):
        self.folder, self.job = folder, make_job(folder, gpus, **more)
        self.job.folder.mkdir()
        scontrol(folder)
        program(folder / "bin", "training", STUB.replace("touch started", self._writes()))

    def _writes(self):
        place = f"'{self.job.run}/checkpoints/'\"$SAVES\""
        saves = f"mkdir -p {place}; touch {place}/state.json"
        says = f'[ -z "$SAYS" ] || echo "$SAYS" > \'{self.job.folder}/progress\''
        return f'{says}; [ -z "$SAVES" ] || {{ {saves}; }}; touch started'

    def turn(self, says, code=75, number="7", saves="", sent=signal.SIGUSR1, **more):
        """One turn that says how far it got; its exit code, its log, and whether it asked for another."""
        for name in ("started", "asked"):
            (self.folder / name).unlink(missing_ok=True)
        around = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "SLURM_JOB_ID": number, "SAYS": says}
        around |= {"ON_USR1": str(code), "ON_TERM": str(code), "SAVES": saves, **more}
        shell = subprocess.Popen(
            ["bash", "-c", self.job.text()], env=around, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while not (self.folder / "started").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        if sent == signal.SIGKILL:
            os.killpg(shell.pid, sent)
        shell.send_signal(sent)
        said = shell.communicate(timeout=20)[0]
        return shell.returncode, said, (self.folder / "asked").exists()


@pytest.fixture
def turns(tmp_path, monkeypatch):
    """Make a job of turns."""
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "training"))
    return lambda *arguments, **more: Turns(tmp_path, *arguments, **more)


def test_a_job_that_gets_further_in_each_turn_is_queued_again_each_time(turns):
    """Scans encoded, then steps trained; nothing is said."""
    job = turns()
    for says in ("scans 3", "scans 9", "step 4", "step 9"):
        assert job.turn(says) == (75, "", True)


@pytest.mark.parametrize(("gpus", "code"), [(0, 75), (0, 138), (2, 1)])
@pytest.mark.parametrize("says", ["step 4", ""])
def test_two_turns_in_a_row_without_progress_are_the_last(turns, gpus, code, says):
    """Saved, ended before it listened, or by torchrun's own code: the second idle turn says so and keeps its code."""
    job = turns(gpus)
    if says:
        assert job.turn(says, code)[2]
    unsaved = (
        f"neuromf: this turn ended with code {code} and without a new checkpoint; the run stands at its beginning\n"
    )
    assert job.turn(says, code) == (code, unsaved, True)
    ended, said, again = job.turn(says, code)
    assert (ended, again) == (code, False)
    assert said.count("\n") == 2
    assert said.startswith(f"{unsaved}neuromf: 2 turns in a row got no further, so this job is not queued again: ")


def test_a_turn_that_saved_nothing_says_where_the_run_stands(turns):
    """Whatever ended it; one that has saved, or finished, says nothing."""
    job = turns()
    assert job.turn("", 75, saves="step_00000040")[1] == ""
    code, said, again = job.turn("", 137)
    assert (code, again) == (137, False)
    assert said == (
        "neuromf: this turn ended with code 137 and without a new checkpoint; the run stands at step_00000040\n"
    )
    assert job.turn("", 0)[1] == ""


@pytest.mark.parametrize(
    ("saves", "told"),
    [
        ("", "saved nothing new; this one goes on from step_00000040"),
        ("step_00000050", "saved; this one goes on from step_00000050"),
    ],
)
def test_a_turn_after_one_that_was_killed_says_so(turns, saves, told):
    """Script and training at once, as where a node dies: nobody was left to say it."""
    job = turns()
    job.turn("step 40", saves="step_00000040")
    assert job.turn("", saves=saves, sent=signal.SIGKILL)[0] == -signal.SIGKILL
    said = job.turn("step 60", saves="step_00000060")[1]
    assert said == f"neuromf: the turn before this one was ended by force and {told}\n"
    assert job.turn("step 70", saves="step_00000070")[1] == ""


def test_a_task_of_an_array_refuses_to_train(turns):
    """As of `sbatch --array` on the script: several would write one run."""
    job = turns()
    around = {**os.environ, "SLURM_ARRAY_TASK_ID": "3", "SLURM_JOB_ID": "7"}
    ended = subprocess.run(
        ["bash", "-c", job.job.text()], env=around, capture_output=True, text=True, check=False, timeout=20
    )
    assert ended.returncode == 2
    assert "this is a task of a job array" in ended.stdout
    assert not (job.folder / "started").exists()


@pytest.mark.parametrize(
    ("shown", "again"),
    [
        ("JobState=RUNNING PreemptTime=2026-11-27T01:46:11", True),
        ("JobState=RUNNING PreemptTime=None", False),
        ("JobState=COMPLETING PreemptTime=2026-11-27T01:46:11", False),
        ("JobState=CANCELLED PreemptTime=None", False),
    ],
)
def test_a_job_that_ends_within_its_grace_is_queued_again(turns, shown, again):
    """SLURM does not do that for a preempted job that ends by itself, and this job may not for a cancelled one."""
    job = turns()
    scontrol(job.folder, shown)
    assert job.turn("step 40", sent=signal.SIGTERM)[::2] == (75, again)


def test_a_step_hears_of_a_preemption_for_the_script(turns):
    """SLURM tells steps alone when the grace begins; a step that ends otherwise says nothing."""
    job = turns()
    ends = f"while [ ! -e '{job.folder}/started' ]; do sleep 0.02; done; exit $STEP"
    program(job.folder / "bin", "srun", ends)
    assert job.turn("step 40", ON_TERM="75", ON_USR1="0", sent=signal.SIGCONT, STEP="9")[0] == 75
    assert job.turn("step 50", ON_TERM="75", ON_USR1="0", sent=signal.SIGUSR1, STEP="1")[0] == 0


def test_idle_turns_are_counted_for_each_task_of_an_encoding(turns):
    """Another task's count is none of its own, and does not begin it again."""
    job = turns()
    job.job = EncodingJob(cwd=job.folder, run=job.job.run, folder=job.job.folder, gpus=0, minutes=5, tasks=2)
    tasks = [{"number": number, "SLURM_ARRAY_TASK_ID": task} for number, task in (("7", "0"), ("8", "1"))]
    asked = [job.turn("", **task)[2] for task in (*tasks, *tasks)]
    assert asked == [True, True, False, False]


def test_the_run_keeps_what_its_launch_has_chosen(turns):
    """The job copies launch.json into the run's folder, when there is one."""
    job = turns()
    job.job.choice.write_text('{"training": {}}\n')
    job.turn("step 40", saves="step_00000040")
    assert (job.job.run / "launch.json").read_text() == '{"training": {}}\n'


def test_an_idle_turn_between_two_that_get_further_is_forgiven(turns):
    """Only turns in a row count, and those of a job that was submitted anew are its own."""
    job = turns()
    asked = [job.turn(says)[2] for says in ("step 1", "step 1", "step 2", "step 2")]
    assert asked == [True] * 4
    assert job.turn("step 2", number="8")[2]
    assert not job.turn("step 2", number="8")[2]


def test_a_job_that_cannot_count_its_turns_is_not_queued_again(turns):
    """As on a full disk: a turn that got no further would be followed by others for ever."""
    job = turns()
    (job.job.folder / "idle_turns").mkdir()
    assert job.turn("step 1")[::2] == (75, True)
    code, said, again = job.turn("step 1")
    assert (code, again) == (75, False)
    assert "idle_turns" in said


def test_a_job_that_may_not_be_queued_again_saves_and_ends(turns):
    """--sbatch=--no-requeue: one turn, with the exit code that says there is more to do."""
    job = turns(options=UserOptions.read(["--no-requeue"]))
    assert job.turn("step 1") == (75, "", False)
    assert "#SBATCH --requeue" not in job.job.text()


@pytest.fixture
def job(tmp_path):
    """A script that trains a tiny run, with a ticket for it; `scontrol` notes what it is asked."""
    config = make_tiny_config("training.epochs=8")
    made = make_job(tmp_path)
    made.folder.mkdir()
    made.config.write_text(resolved_text(config))
    ticket = GateVerdict(name="tiny", config_hash=config_hash(config), results=[], smoke=None, seconds=0.0)
    made.ticket.write_text(ticket.to_json())
    text = made.text()
    if "progress" not in inspect.signature(train).parameters:  # a trainer that does not say how far it got
        text = text.replace('--progress "$progress"', "")
    made.script.write_text(text)
    scontrol(tmp_path)
    return made


def start(job, tmp_path):
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "NEUROMF_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "SLURM_JOB_ID": "4711",
    }
    return subprocess.Popen(
        ["bash", str(job.script)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_a_job_whose_time_is_up_saves_is_queued_again_and_finishes(job, tmp_path):
    """SIGUSR1 to the shell alone, as SLURM sends it: a checkpoint, a requeue, and the next turn goes on from there."""
    trace = job.run / "trace.csv"
    first = start(job, tmp_path)
    while first.poll() is None and not (trace.exists() and trace.read_text().count("\n") > 3):
        time.sleep(0.05)
    first.send_signal(signal.SIGUSR1)
    said = first.communicate()[0].decode()
    assert first.returncode == 75, said
    assert (tmp_path / "asked").read_text() == "requeue 4711\n"
    saved = len(read_trace(trace))
    assert latest_checkpoint(job.run).step == saved

    second = start(job, tmp_path)
    said = second.communicate()[0].decode()
    assert second.returncode == 0, said
    assert "finished after 24 optimiser steps" in said
    assert len(read_trace(trace)) == 24 > saved
    assert (tmp_path / "asked").read_text() == "requeue 4711\n"
    assert json.loads((job.run / "run.json").read_text())["gate"] == "PASS, by ticket, for the configuration alone"
