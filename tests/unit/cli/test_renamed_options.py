"""Former names of options: they work for one more release, hidden and with a hint."""

import json

import pytest
from typer.testing import CliRunner

from neuromf import __version__
from neuromf.cli.app import app
from neuromf.cli.renamed import RENAMED
from tests.support.tiny_run import TINY

DISARMED = "training.divergence_threshold=null"
"""Blocks a launch."""
OLD = pytest.mark.parametrize("option", RENAMED, ids=lambda option: option.old)


def numbers(version):
    return tuple(int(part) for part in version.split(".")[:2])


@pytest.mark.parametrize("written", [["--despite", "a reason"], ["--despite=a reason"]], ids=["apart", "joined"])
def test_the_former_name_of_allow_blocked_trains_with_a_hint(tmp_path, trained, written):
    """The reason is kept as under the new name, and standard error names that in one line."""
    settings = [part for override in (*TINY, DISARMED) for part in ("--set", override)]
    run = ["train", "smoke", "--out", str(tmp_path / "run"), "--device", "cpu", *settings]
    ended = CliRunner().invoke(app, [*run, *written])
    assert ended.exit_code == 0
    hint = "neuromf: --despite is now --allow-blocked; the old name stops working in version 0.2.0"
    assert [line for line in ended.stderr.splitlines() if "--despite" in line] == [hint]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["gate"].endswith("blocked: a reason")


@OLD
def test_a_former_name_is_not_in_the_help(option):
    """The help of its command names the new option alone."""
    shown = CliRunner().invoke(app, [option.command, "--help"]).output
    assert (option.new in shown, option.old in shown) == (True, False)


@OLD
def test_a_former_name_goes_in_the_version_that_says_so(option):
    """A row that has served its release must be removed."""
    assert numbers(__version__) < numbers(option.removed_in)


def test_the_new_name_gives_no_hint(tmp_path, trained):
    """Nothing is printed on standard error about a name that is up to date."""
    out = str(tmp_path / "run")
    ended = CliRunner().invoke(app, ["train", "failed_225", "--out", out, "--allow-blocked", ""])
    assert "is now" not in ended.stderr


def test_the_second_process_of_a_launch_gives_no_hint(tmp_path, monkeypatch):
    """Of several processes the first one says it."""
    whole = {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    for name, value in whole.items():
        monkeypatch.setenv(name, value)
    ended = CliRunner().invoke(app, ["train", "failed_225", "--out", str(tmp_path / "run"), "--despite", ""])
    assert "is now" not in ended.stderr
