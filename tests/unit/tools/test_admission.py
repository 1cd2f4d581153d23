"""Which configurations may be trained, and what a run keeps of the gate's word."""

import datetime
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from neuromf.config.load import load_config
from neuromf.errors import InputError
from spec.waivers import Waiver
from tools.cli import app
from tools.gate.admission import Admission
from tools.gate.judge import Candidate, judge

BROKEN = ("training.beta2=0.999",)
LAW = "OPT-001"


def verdict(*overrides, waivers=()):
    config = load_config(["recommended"], list(overrides))
    return judge(Candidate.of(config, ["recommended"], list(overrides)), waivers)


def leave(until):
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
    """Whoever trains all the same says why, and the run keeps it beside what was broken."""
    admission = Admission(verdict(*BROKEN), "how much does it matter?")
    assert admission.admitted
    assert admission.record == f"BLOCKED by {LAW}; trained despite it: how much does it matter?"


def test_leave_admits_until_it_expires():
    """A waiver in force is recorded; one of yesterday admits nothing."""
    today = datetime.date.today()
    waived = Admission(verdict(*BROKEN, waivers=[leave(today)]), None)
    assert (waived.admitted, waived.record) == (True, f"PASS; waived: {LAW}")
    assert not Admission(verdict(*BROKEN, waivers=[leave(today - datetime.timedelta(days=1))]), None).admitted


@pytest.mark.parametrize("nothing", ["", " \n"])
def test_a_reason_has_words(nothing):
    """An empty reason is bad input, whether it was needed or not."""
    with pytest.raises(InputError, match="say why"):
        Admission(verdict(), nothing)


@pytest.mark.parametrize(("rank", "told"), [(None, True), ("0", True), ("1", False)])
def test_a_blocked_training_ends_before_it_begins(tmp_path, monkeypatch, rank, told):
    """Exit code 1, the first process alone says which law, and no folder is made."""
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    out = tmp_path / "run"
    ended = CliRunner().invoke(app, ["train", "failed_225", "--out", str(out)])
    assert ended.exit_code == 1
    assert ("blocked by: TIME-004" in ended.output, "--despite" in ended.output) == (told, told)
    assert bool(ended.output) is told
    assert not out.exists()


def test_a_blocked_training_imports_no_torch(tmp_path):
    """The answer does not wait for what would have trained."""
    code = (
        "import sys\nfrom tools.cli import app\n"
        f"try:\n    app(['train', 'failed_225', '--out', {str(tmp_path / 'run')!r}])\n"
        "except SystemExit as ended:\n    assert ended.code == 1\n"
        "assert 'torch' not in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
