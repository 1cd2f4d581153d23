"""Each option of a launch alone: it changes exactly its own lines of script, configuration and ticket."""

from __future__ import annotations

import inspect
import json
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

import neuromf.cli.launch
import neuromf.cli.smoke_training
import neuromf.launch.submit
from neuromf.cli.launch import launch
from neuromf.config import config_hash, load_config
from neuromf.config.resolve import resolved_text
from neuromf.gate.inputs import Inputs
from neuromf.launch.job import SlurmJob
from neuromf.launch.options import UserOptions
from neuromf.launch.resources import JobResources
from tests.support.command_line import run_command

BASE = {
    "cwd": Path("/home/a"), "run": Path("/runs/one"), "folder": Path("/runs/one.launch"), "gpus": 1, "minutes": 77,
    "partition": "fast", "resources": JobResources(cpus=3, memory_gib=8), "options": UserOptions.read(["--qos=low"]),
}  # fmt: skip
ALONE = {
    "cwd": (Path("/home/b"), {"cd /home/a || exit": "cd /home/b || exit"}),
    "run": (Path("/runs/two"), {"#SBATCH --job-name=one": "#SBATCH --job-name=two", "run=/runs/one": "run=/runs/two"}),
    "minutes": (99, {"#SBATCH --time=77": "#SBATCH --time=99"}),
    "partition": (None, {"#SBATCH --partition=fast": ""}),
    "account": ("ours", {"": "#SBATCH --account=ours"}),
    "qos": ("high speed", {"": "#SBATCH --qos='high speed'"}),
    "constraint": ("a100&big", {"": "#SBATCH --constraint='a100&big'"}),
    "gres": ("gpu:a100:1", {"#SBATCH --gpus-per-node=1": "#SBATCH --gres=gpu:a100:1"}),
    "resources": (JobResources(cpus=5, memory_gib=16), {
        "#SBATCH --cpus-per-task=3": "#SBATCH --cpus-per-task=5", "#SBATCH --mem=8G": "#SBATCH --mem=16G"}),
    "options": (UserOptions.read(["--no-requeue", "--qos=low"]), {
        "#SBATCH --requeue": "#SBATCH --no-requeue", "unfinished=1": "unfinished=0"}),
}  # fmt: skip
"""Another value of each field, and the lines (or the ends of lines) that it changes."""


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that one text has and the other has not."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


@pytest.mark.parametrize("name", ALONE)
def test_a_fact_of_the_job_changes_its_own_lines(name):
    """All others stay as they are, and no line moves another's value."""
    value, lines = ALONE[name]
    old, new = changed(SlurmJob(**BASE).text(), SlurmJob(**BASE | {name: value}).text())
    for before, after in lines.items():
        assert not before or sum(line.endswith(before) or f"{before} " in line for line in old) == 1, before
        assert not after or sum(line.endswith(after) or f"{after} " in line for line in new) == 1, after
    assert (len(old), len(new)) == (sum(map(bool, lines)), sum(map(bool, lines.values())))


def test_the_folder_of_a_launch_changes_where_log_and_configuration_are():
    """Its own line, the log, and the two files that the training is given."""
    old, new = changed(SlurmJob(**BASE).text(), SlurmJob(**BASE | {"folder": Path("/tmp/f")}).text())
    assert [line.replace("/runs/one.launch", "/tmp/f") for line in old] == new
    assert len(new) == 3
    words = shlex.split(new[-1])
    assert words[words.index("train") + 1] == "/tmp/f/config.yaml"
    assert words[words.index("--ticket") + 1] == "/tmp/f/ticket.json"


@pytest.mark.parametrize("gpus", [0, 2, 3])
def test_the_gpus_of_a_job_change_how_it_is_started_and_what_it_asks_for(gpus):
    """Their number in the request, as many processes, the device; torchrun's own code where it is used."""
    old, new = changed(SlurmJob(**BASE).text(), SlurmJob(**BASE | {"gpus": gpus}).text())
    assert [line for line in old if line.startswith("#")] == ["#SBATCH --gpus-per-node=1"]
    assert [line for line in new if line.startswith("#")] == ([f"#SBATCH --gpus-per-node={gpus}"] if gpus else [])
    command, *others = [line for line in new if not line.startswith("#")]
    assert f"--device {'cuda' if gpus else 'cpu'} " in command
    assert (f"--nproc-per-node={gpus} " in command) is (gpus > 1)
    assert ["75|138|1) unfinished" in line for line in others] == [True] * (gpus > 1)


def test_every_fact_of_a_job_is_tried_alone():
    """A new field of a job is tried here too."""
    assert {field.name for field in fields(SlurmJob)} == {*ALONE, "folder", "gpus", "nodes"}


def test_nodes_change_what_is_asked_for_and_how_it_is_started():
    """A task on each, half of the GPUs, torchrun by srun, and the one signal that srun passes on."""
    one, two = (SlurmJob(**BASE | {"gpus": 4, "nodes": nodes}).text() for nodes in (1, 2))
    old, new = changed(one, two)
    assert [line for line in new if line.startswith("#")] == [
        "#SBATCH --nodes=2", "#SBATCH --ntasks=2", "#SBATCH --ntasks-per-node=1", "#SBATCH --gpus-per-node=2",
    ]  # fmt: skip
    command, trap = sorted((line for line in new if line and not line.startswith("#")), key=len, reverse=True)
    assert trap == "trap 'pass_on USR1' TERM"
    assert "trap 'pass_on TERM' TERM" in old
    for word in ("--nnodes=2", "--nproc-per-node=2", '--node-rank="$SLURM_NODEID"', "srun --nodes=2", "--device cuda"):
        assert word in command


OURS = ("job-name", "output", "open-mode", "nodes", "ntasks", "time", "requeue", "signal", "gpus-per-node",
        "cpus-per-task", "mem", "partition")  # fmt: skip
TYPED = {
    **{name: f"--{name}=1" for name in OURS if name not in ("requeue", "signal")}, "requeue": "--requeue",
    "signal": "--signal=B:USR1@60",
}  # fmt: skip
OTHER_NAMES = {
    "no-requeue": "requeue", "cpus-per-gpu": "cpus-per-task", "mem-per-cpu": "mem", "mem-per-gpu": "mem",
    "gpus": "gpus-per-node", "gpus-per-task": "gpus-per-node", "gpus-per-socket": "gpus-per-node", "tasks": "ntasks",
}  # fmt: skip
GENERIC = {name: (f"--{name}=gpu:1", "gpus-per-node") for name in ("gres", "tres-per-node", "tres-per-task")}
WORDS = {
    **{name: (TYPED[name], name) for name in OURS},
    **{name: (f"--{name}" if "requeue" in name else f"--{name}=1", ours) for name, ours in OTHER_NAMES.items()},
    **GENERIC,
}


@pytest.mark.parametrize("name", WORDS)
def test_an_option_of_sbatch_takes_the_place_of_ours(name):
    """The user's line is the last, ours of that meaning is gone, the ten others stand in their order."""
    typed, ours = WORDS[name]
    plain = SlurmJob(**BASE | {"options": UserOptions.read([])})
    head = [line for line in plain.text().splitlines() if line.startswith("#SBATCH ")]
    kept = [line for line in head if line.removeprefix("#SBATCH --").partition("=")[0] != ours]
    asked = SlurmJob(**BASE | {"options": UserOptions.read([typed])}).text().splitlines()
    assert len(kept) == len(OURS) - 1
    assert [line for line in asked if line.startswith("#SBATCH ")] == [*kept, f"#SBATCH {typed}"]


@pytest.fixture(scope="module")
def plain() -> dict[str, object]:
    """What a launch with none of the options wrote, once for all tests."""
    return {}


@pytest.fixture
def launched(plain, monkeypatch, capsys, tmp_path):
    """Launch without scans, smoke training and scheduler; give what was written and what was submitted."""
    submitted: list[str] = []
    monkeypatch.setattr(neuromf.cli.smoke_training, "opened_inputs", lambda *_, **__: Inputs((), (), ()))
    monkeypatch.setattr(neuromf.cli.smoke_training, "smoke_training", lambda candidate: None)
    monkeypatch.setattr(neuromf.launch.submit, "require_sbatch", lambda: None)
    monkeypatch.setattr(neuromf.launch.submit, "ask_cluster", lambda job: asked.append(job.run.name))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    asked: list[str] = []
    monkeypatch.setattr(neuromf.launch.submit, "submit", lambda job, after="": submitted.append(job.run.name) or "7")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seed.yaml").write_text("training.seed: 5\n")
    (tmp_path / "site.yaml").write_text("minutes: 77\naccount: theirs\n")
    (tmp_path / "waivers.toml").write_text(
        '[[waiver]]\nlaw = "TIME-007"\nconfig = "elsewhere"\nreason = "a"\nowner = "us"\nexpires = 2999-01-01\n'
    )

    def run(*arguments, out="run"):
        submitted.clear()
        asked.clear()
        assert run_command(monkeypatch, capsys, "launch", "smoke", *arguments, "--out", out).returncode == 0
        folder = tmp_path / f"{out}.launch"
        ticket = json.loads((folder / "ticket.json").read_text())
        texts = {
            name: (folder / name).read_text().replace(str(tmp_path), "/home") for name in ("config.yaml", "job.sh")
        }
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        told = {"submitted": tuple(submitted), "asked": tuple(asked)}
        return {**texts, "ticket.json": ticket | {"seconds": 0}, **told}

    if not plain:
        plain.update(run())
    return run


SCRIPT = {
    "minutes": (["--minutes", "90"], ["#SBATCH --time=1440"], ["#SBATCH --time=90"]),
    "partition": (["--partition", "fast"], [], ["#SBATCH --partition=fast"]),
    "account": (["--account", "ours"], [], ["#SBATCH --account=ours"]),
    "qos": (["--qos", "high"], [], ["#SBATCH --qos=high"]),
    "constraint": (["--constraint", "dgx"], [], ["#SBATCH --constraint=dgx"]),
    "gres": (["--gres", "gpu:a100"], ["#SBATCH --gpus-per-node=1"], ["#SBATCH --gres=gpu:a100:1"]),
    "site": (["--site", "site.yaml"], ["#SBATCH --time=1440"], ["#SBATCH --time=77", "#SBATCH --account=theirs"]),
    "cluster_test": (["--no-cluster-test"], [], []),
    "sbatch": (["--sbatch=--account=ours"], [], ["#SBATCH --account=ours"]),
    "waivers": (["--waivers", "waivers.toml"], [], []),
    "write_only": (["--write-only"], [], []),
    "override": (["--set", "training.seed=3"], [], []),
    "config": (["seed.yaml"], [], []),
    "encoders": (["--encoders", "3"], [], []),  # of the built-in cohort there is nothing to encode before
}
"""Arguments of one option, the lines of the script that go with it and those that come."""
SEEDS = {"override": 3, "config": 5}


@pytest.mark.parametrize("option", SCRIPT)
def test_an_option_of_launch_changes_its_own_lines_alone(launched, plain, option):
    """Script, configuration, ticket and submission, each against a launch with none of the options."""
    arguments, gone, come = SCRIPT[option]
    before, after = plain, launched(*arguments)
    assert changed(before["job.sh"], after["job.sh"]) == (gone, come)
    seed = SEEDS.get(option, 0)
    judged = load_config(["smoke"], [f"training.seed={seed}"])
    assert after["config.yaml"] == resolved_text(judged)
    told = {"config_hash": config_hash(judged), "config": "smoke seed.yaml" if option == "config" else "smoke"}
    assert {key for key in after["ticket.json"] if after["ticket.json"][key] != before["ticket.json"][key]} <= {*told}
    assert {key: after["ticket.json"][key] for key in told} == told
    assert after["submitted"] == (() if option == "write_only" else ("run",))
    assert after["asked"] == (() if option in ("write_only", "cluster_test") else ("run",))


@pytest.mark.parametrize("gpus", [0, 2])
def test_the_gpus_asked_for_count_before_those_of_the_configuration(launched, plain, gpus):
    """Request, processes, cores and device; the configuration stays as it was judged."""
    before, after = plain, launched("--gpus", gpus)
    gone, come = changed(before["job.sh"], after["job.sh"])
    names = [line.partition("=")[0].removeprefix("#SBATCH --") for line in gone if line.startswith("#")]
    assert set(names) - {"mem"} == {"gpus-per-node", "cpus-per-task"}
    assert f"#SBATCH --cpus-per-task={6 if gpus else 4}" in come
    assert (f"#SBATCH --gpus-per-node={gpus}" in come) is (gpus > 0)
    assert {key: before[key] for key in ("config.yaml", "ticket.json")} == {
        key: after[key] for key in ("config.yaml", "ticket.json")
    }


def test_another_folder_changes_names_alone(launched, plain):
    """Every line of the script with the run's name in it, and what is submitted."""
    before, after = plain, launched(out="two")
    gone, come = changed(before["job.sh"], after["job.sh"])
    renamed = [line.replace("/run.launch", "/two.launch").replace("/run", "/two") for line in gone]
    assert [line.replace("--job-name=run", "--job-name=two") for line in renamed] == come
    assert (len(come), after["submitted"]) == (5, ("two",))


def test_every_option_of_launch_is_tried_alone():
    """A new option of the command is tried here too."""
    assert set(inspect.signature(launch).parameters) == {*SCRIPT, "gpus", "nodes", "dry_run", "out", "init_from"}
