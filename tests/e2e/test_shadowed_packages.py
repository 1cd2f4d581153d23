"""Every process of the product runs the product's own packages, whatever PYTHONPATH and the current folder hold."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from neuromf.bisect.executor import IndexedTask, LocalExecutor
from neuromf.bisect.oracle import ProbeVerdict, Task
from neuromf.config.load import load_config
from neuromf.config.resolve import flat_config
from neuromf.launch.job import SlurmJob
from tests.support.tiny_run import TINY, allow_blocked

ROOT = Path(__file__).parents[2]
PROGRAM = "import sys\nfrom {module} import {function}\nsys.exit({function}())\n"


@pytest.fixture
def strange(tmp_path):
    """A folder with packages of our names that end whoever imports them."""
    folder = tmp_path / "theirs"
    for name in ("tools", "spec", "golden"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise SystemExit('{name}: not ours')\n")
    return folder


def environment(strange, **more):
    """PYTHONPATH with the strange packages first; ours stand behind them as where they are installed."""
    path = os.pathsep.join(map(str, (strange, ROOT, ROOT / "spec")))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "", **more}


def console_script(folder):
    """What an installer makes of the entry point in pyproject.toml."""
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["neuromf"]
    module, function = entry.split(":")
    (folder / "neuromf").write_text(PROGRAM.format(module=module, function=function))
    return [str(folder / "neuromf")]


@pytest.mark.parametrize("started", ["console script", "python -m neuromf", "beside them", "one package alone"])
def test_the_command_runs_although_a_path_holds_packages_of_its_names(strange, tmp_path, started):
    """The static gate reads a recipe, judges it and says so."""
    command = console_script(tmp_path) if started == "console script" else ["-m", "neuromf"]
    around = environment(strange)
    if started == "beside them":
        around["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "spec")))
    if started == "one package alone":
        for name in ("tools", "golden"):
            (strange / name / "__init__.py").unlink()
            (strange / name).rmdir()
    ended = subprocess.run(
        [sys.executable, *command, "gate", "recommended", "--static"], cwd=strange, env=around, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "PASS" in ended.stdout


def test_a_job_trains_beside_packages_of_the_same_names(strange, tmp_path):
    """The launcher, its two children and their gate: the script's own command, on the CPU, as far as one step."""
    job = SlurmJob(cwd=strange, run=tmp_path / "run", folder=tmp_path / "run.launch", gpus=2, minutes=5)
    launcher, _, _ = job.command().partition(" train ")
    options = ["--out", str(job.run), "--device", "cpu", "--max-steps", "1"]
    options += allow_blocked(*TINY, "training.gpus=2")
    around = environment(strange, NEUROMF_CACHE=str(tmp_path / "cache"))
    ended = subprocess.run(
        ["bash", "-c", f'{launcher} train smoke "$@"', "job", *options], cwd=strange, env=around,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "paused at --max-steps" in ended.stdout


def test_a_bisect_worker_answers_beside_packages_of_the_same_names(strange, monkeypatch):
    """Found on its own path first; the SLURM worker is given the same environment."""
    monkeypatch.setenv("PYTHONPATH", environment(strange)["PYTHONPATH"])
    monkeypatch.chdir(strange)
    config = flat_config(load_config(["failed_225"]))
    executor = LocalExecutor(1)
    try:
        executor.submit(
            [IndexedTask(0, Task(oracle="law:JVP-003", config=config, good=config, seed=0, micro_batches=1))]
        )
        (answer,) = executor.wait()
    finally:
        executor.close()
    assert answer.outcome.verdict is ProbeVerdict.BROKEN


def test_trainings_in_new_processes_find_their_packages(strange, tmp_path):
    """Processes that are started afresh are given no module of their parent's."""
    program = (
        "import sys\nfrom concurrent.futures import ProcessPoolExecutor\nfrom multiprocessing import get_context\n"
        "import neuromf.__main__\n"
        "if __name__ == '__main__':\n"
        "    from neuromf.cli.explanation import explain_halt\n"
        "    with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as pool:\n"
        "        print(pool.submit(callable, explain_halt).result())\n"
    )
    (tmp_path / "series.py").write_text(program)
    ended = subprocess.run(
        [sys.executable, str(tmp_path / "series.py")], cwd=strange, env=environment(strange), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert ended.stdout == "True\n", ended.stderr
