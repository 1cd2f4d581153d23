"""Which configurations may be trained, and what a run keeps of the gate's verdict."""

import datetime
import json
import subprocess
import sys

import pytest
from neuromf_spec.waivers import Waiver
from typer.testing import CliRunner

from neuromf.cli.app import app
from neuromf.config.load import load_config
from neuromf.errors import InputError
from neuromf.gate.admission import Admission
from neuromf.gate.judge import LaunchCandidate, judge

BROKEN = ("time_sampling.data_proportion=1.0",)
LAW = "TIME-007"


def verdict(*overrides, waivers=()):
    config = load_config(["recommended"], list(overrides))
    return judge(LaunchCandidate.of(config, ["recommended"], list(overrides)), waivers)


def waiver(until):
    return Waiver(law=LAW, config="recommended", reason="a test", owner="us", expires=until)


def test_a_configuration_that_holds_every_law_is_admitted():
    """The recommended recipe needs no reason, and its run records PASS."""
    admission = Admission(verdict(), None)
    assert admission.admitted
    assert admission.record == "PASS"


def test_a_blocked_configuration_is_not_admitted():
    """A law that blocks is enough."""
    assert not Admission(verdict(*BROKEN), None).admitted


def test_a_reason_admits_and_is_recorded_with_the_laws():
    """A blocked configuration is trained with a reason, and the run keeps the reason and the broken laws."""
    admission = Admission(verdict(*BROKEN), "how much does it matter?")
    assert admission.admitted
    assert admission.record == f"BLOCKED by {LAW}; allowed although blocked: how much does it matter?"


def test_a_waiver_admits_until_it_expires():
    """A waiver in force is recorded; one of yesterday admits nothing."""
    today = datetime.date.today()
    waived = Admission(verdict(*BROKEN, waivers=[waiver(today)]), None)
    assert (waived.admitted, waived.record) == (True, f"PASS; waived: {LAW}")
    assert not Admission(verdict(*BROKEN, waivers=[waiver(today - datetime.timedelta(days=1))]), None).admitted


@pytest.mark.parametrize("nothing", ["", " \n"])
def test_a_reason_has_words(nothing):
    """An empty reason is bad input, whether it was needed or not."""
    with pytest.raises(InputError, match="say why"):
        Admission(verdict(), nothing)


@pytest.mark.parametrize(("rank", "told"), [(None, True), ("0", True), ("1", False)])
def test_a_blocked_training_ends_before_it_begins(tmp_path, monkeypatch, rank, told):
    """Exit code 1, the first process alone says which law, and no folder is made."""
    if rank is not None:
        whole = {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank, "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
        for name, value in whole.items():
            monkeypatch.setenv(name, value)
    out = tmp_path / "run"
    ended = CliRunner().invoke(app, ["train", "failed_225", "--out", str(out)])
    assert ended.exit_code == 1
    assert ("blocked by: JVP-003" in ended.output, "--allow-blocked" in ended.output) == (told, told)
    assert bool(ended.output) is told
    assert not out.exists()


def test_a_blocked_training_imports_no_numerical_library(tmp_path):
    """The answer does not wait for what would have trained."""
    code = (
        "import sys\nfrom neuromf.cli.app import app\n"
        f"try:\n    app(['train', 'failed_225', '--out', {str(tmp_path / 'run')!r}])\n"
        "except SystemExit as ended:\n    assert ended.code == 1\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_process_that_is_alone_speaks_whatever_its_rank(tmp_path, monkeypatch):
    """A RANK that something else has set silences nobody."""
    monkeypatch.setenv("RANK", "1")
    ended = CliRunner().invoke(app, ["train", "failed_225", "--out", str(tmp_path / "run")])
    assert (ended.exit_code, "blocked by" in ended.output) == (1, True)


def test_a_file_of_waivers_counts_for_a_training(tmp_path, trained):
    """--waivers is what the gate's is, and the run keeps what was waived."""
    waiver_of_smoke = f'[[waiver]]\nlaw = "{LAW}"\nconfig = "smoke"\nreason = "a test"\nowner = "us"\n'
    (tmp_path / "waivers.toml").write_text(waiver_of_smoke + "expires = 2999-01-01\n")
    broken = [
        "train",
        "smoke",
        "--out",
        str(tmp_path / "run"),
        "--device",
        "cpu",
        "--set",
        "time_sampling.data_proportion=1.0",
    ]
    assert CliRunner().invoke(app, broken).exit_code == 1
    assert CliRunner().invoke(app, [*broken, "--waivers", str(tmp_path / "waivers.toml")]).exit_code == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["gate"] == f"PASS; waived: {LAW}"
