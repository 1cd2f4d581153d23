"""The commands around laws, traces and the failed run, as a user types them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import run_command

ROOT = Path(__file__).parents[2]
TRACE = "golden/cases/x_exact/trace.cpu-fp32.csv"


@pytest.fixture
def neuromf(monkeypatch, capsys):
    """Run a command line in this process, as the console script runs it."""

    def run(*arguments, cwd=ROOT):
        monkeypatch.chdir(cwd)
        return run_command(monkeypatch, capsys, *arguments)

    return run


def test_laws_show_prints_equation_source_enforcers_and_measurement(neuromf):
    """One law: its equation, the pinned passage, the tests that hold it and a measured value."""
    shown = neuromf("laws", "show", "jvp-003")
    assert shown.returncode == 0
    for words in (r"\mathrm{E}", "jvp_strategies.py:152", "test_law_finite_difference.py", "measured", "% of du/dt"):
        assert words in shown.stdout


def test_laws_claims_prints_the_ledger(neuromf):
    """At least forty claims with verdicts, each with its test."""
    claims = json.loads(neuromf("laws", "claims", "--json").stdout)
    assert len(claims) >= 40
    assert all("::test_" in claim["test"] for claim in claims)


def test_a_trace_passes_against_its_own_golden_alone(neuromf):
    """Exit code 0 and PASS, or 1 and the first divergence as JSON."""
    same = neuromf("compare", TRACE, "x_exact")
    assert (same.returncode, same.stdout.split()[0]) == (0, "PASS")
    other = neuromf("compare", TRACE, "half_power", "--json")
    assert other.returncode == 1
    document = json.loads(other.stdout)
    assert document["verdict"] == "REGRESSED"
    assert document["first"]["step"] == 0


def test_the_failed_run_is_replayed_into_a_table_and_a_picture(tmp_path, neuromf):
    """The printed 2.0, the rules and their epochs, and a PNG."""
    shown = neuromf("replay", "failed_225", "--out", tmp_path / "out", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    for words in ("2.0000000", "2,519,424", "before the launch", "155", "10.3"):
        assert words in shown.stdout
    assert (tmp_path / "out" / "failed_225.png").read_bytes()[:4] == b"\x89PNG"


def test_a_path_that_looks_like_markup_is_printed_as_typed(tmp_path, neuromf):
    """Brackets, an emoji's name and a name of 200 letters neither fail, nor change, nor break the line."""
    out = tmp_path / "[/red] [bold]:smile:" / ("long " * 40)
    shown = neuromf("replay", "public_v1", "--out", out, cwd=tmp_path)
    assert shown.returncode == 0
    assert f"picture: {out / 'public_v1.png'}\n" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "x", "y"], "holds no trace"),
        (["golden", "run", "nope"], "no golden case"),
        (["replay", "other"], "no recorded run"),
        (["compare", "x_exact", "x_exact", "--rtol", "inf"], "no tolerance"),
        (["compare", "x_exact", "x_exact", "--rtol", "1e400"], "no tolerance"),
        (["laws", "show", "XYZ-001"], "no law"),
        (["gate", "--static", "--waivers", "nothing.toml"], "holds no waivers"),
        (["train", "recommended", "--out", "x", "--set", "training.ddp_static_graph=true"], "JVP-004"),
    ],
)
def test_nonsense_is_one_sentence_and_exit_code_2(arguments, words, tmp_path, neuromf):
    """Each wrong use ends in one sentence with a remedy, and nothing is written."""
    refused = neuromf(*arguments, cwd=tmp_path)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["golden", "bless", "x_exact"], "needs a reason"), (["faults", "run", "nope"], "no fault")],
)
def test_a_command_that_moved_to_tools_goes_on_with_a_hint(arguments, words, tmp_path):
    """The former name says what to type now, and does it."""
    command = [sys.executable, "-m", "neuromf", *arguments]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    hint, sentence = ended.stderr.strip().splitlines()
    assert f"`python -m tools {' '.join(arguments[:2])}` now" in hint
    assert words in sentence


def test_a_waived_block_passes_the_gate(tmp_path, neuromf):
    """With a waiver for the one law it breaks, a configuration passes, and the waiver is shown."""
    (tmp_path / "waivers.toml").write_text(
        '[[waiver]]\nlaw = "TIME-007"\nconfig = "recommended"\nreason = "a test"\nowner = "us"\nexpires = 2999-01-01\n'
    )
    broken = ["gate", "--static", "--set", "time_sampling.data_proportion=1.0"]
    assert neuromf(*broken, cwd=tmp_path).returncode == 1
    waived = neuromf(*broken, "--waivers", "waivers.toml", cwd=tmp_path)
    assert waived.returncode == 0
    assert "waived by us until 2999-01-01: a test" in " ".join(waived.stdout.replace("│", " ").split())
