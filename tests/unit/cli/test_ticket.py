"""A verdict as a file, accepted in place of the gate."""

import datetime
import json

import pytest
from neuromf_spec.waivers import Waiver
from typer.testing import CliRunner

from neuromf.cli.app import app
from neuromf.config import config_hash, load_config
from neuromf.config.resolve import resolved_text
from neuromf.errors import InputError
from neuromf.gate.judge import LaunchCandidate, judge
from neuromf.gate.ticket import read_ticket
from tests.support.tiny_run import make_tiny_config

TODAY, DAY = datetime.date.today(), datetime.timedelta(days=1)
RECIPES = {"recommended": "PASS", "failed_225": "BLOCKED"}


def write_ticket(path, recipe="recommended", **changes):
    verdict = judge(LaunchCandidate.of(load_config([recipe]), [recipe], ()), ())
    assert verdict.status == RECIPES[recipe]
    path.write_text(json.dumps({**json.loads(verdict.to_json()), **changes}))
    return path


def test_a_ticket_lets_in_the_configuration_it_is_for(tmp_path):
    """It checks, and says whether a training stood behind it."""
    ticket = read_ticket(write_ticket(tmp_path / "t.json"))
    ticket.check(config_hash(load_config(["recommended"])), TODAY)
    assert ticket.record == "PASS, by ticket, for the configuration alone"


def test_the_record_names_what_was_waived_and_trained(tmp_path):
    """The run keeps how far it was judged and what it may break."""
    waived = {"waived": ["LR-003", "EMA-002", "LR-003"], "expires": "2027-01-31"}
    path = write_ticket(tmp_path / "t.json", smoke={"steps": 30}, **waived)
    record = "PASS, by ticket, for a smoke training of 30 steps; waived until 2027-01-31: LR-003, EMA-002"
    assert read_ticket(path).record == record


def test_a_ticket_lasts_as_long_as_the_leave_it_rests_on(tmp_path):
    """The gate writes the day on which the first of its waivers ends, and a training refuses after it."""
    layers, overrides = ["recommended"], ["time_sampling.data_proportion=1.0"]
    candidate = LaunchCandidate.of(load_config(layers, overrides), layers, overrides)
    leave = Waiver(law="TIME-007", config="recommended", reason="a test", owner="us", expires=TODAY)
    elsewhere = Waiver(law="TIME-007", config="phase4c", reason="a test", owner="us", expires=TODAY - DAY)
    verdict = judge(candidate, [leave, elsewhere])
    assert (verdict.status, verdict.expires) == ("PASS", TODAY)
    (tmp_path / "t.json").write_text(verdict.to_json())
    ticket = read_ticket(tmp_path / "t.json")
    assert ticket.expires == TODAY
    ticket.check(verdict.config_hash, TODAY)
    with pytest.raises(InputError, match="expired"):
        ticket.check(verdict.config_hash, TODAY + DAY)


def test_a_ticket_of_another_version_lets_nobody_in(tmp_path):
    """Its laws were others."""
    ticket = read_ticket(write_ticket(tmp_path / "t.json", neuromf="0.0.1"))
    with pytest.raises(InputError, match=r"0\.0\.1"):
        ticket.check(config_hash(load_config(["recommended"])), TODAY)


def test_a_ticket_is_for_no_other_configuration(tmp_path):
    """One changed key is another hash."""
    ticket = read_ticket(write_ticket(tmp_path / "t.json"))
    with pytest.raises(InputError, match="another configuration"):
        ticket.check(config_hash(load_config(["recommended"], ["training.seed=1"])), TODAY)


def test_a_ticket_of_a_blocked_configuration_lets_nobody_in(tmp_path):
    """The hash fits, and the laws that block are named."""
    ticket = read_ticket(write_ticket(tmp_path / "t.json", "failed_225"))
    with pytest.raises(InputError, match="blocked by JVP-003"):
        ticket.check(config_hash(load_config(["failed_225"])), TODAY)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 2},
        {"status": "BLOCKED"},
        {"status": "PASS", "blocked": ["LR-003"]},
        {"blocked": None},
        {"waived": [1]},
        {"config_hash": 7},
        {"smoke": {"steps": "many"}},
        {"smoke": []},
        {"smoke": {"steps": True}},
        {"smoke": {"steps": -3}},
        {"blocked": ""},
        {"waived": "AB"},
        {"waived": ["LR-003"]},
        {"expires": "2027-01-31"},
        {"expires": "soon", "waived": ["LR-003"]},
    ],
    ids=str,
)
def test_a_document_that_no_gate_wrote_is_refused(tmp_path, changes):
    """A status that the laws contradict, another schema or another type is one sentence with a remedy."""
    with pytest.raises(InputError, match="no verdict of the gate"):
        read_ticket(write_ticket(tmp_path / "t.json", **changes))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000])
def test_a_file_that_is_no_verdict_is_refused(tmp_path, text):
    """So is what is no JSON object at all."""
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(InputError, match="no verdict of the gate"):
        read_ticket(tmp_path / "t.json")


@pytest.mark.parametrize("more", [["--allow-blocked", "why not"], ["--waivers", "w.toml"]])
def test_a_ticket_stands_alone(tmp_path, more):
    """With a ticket, waivers and reasons would have no effect, and are refused."""
    ended = CliRunner().invoke(app, ["train", "smoke", "--out", str(tmp_path / "run"), "--ticket", "t.json", *more])
    assert isinstance(ended.exception, InputError)
    assert "--ticket" in str(ended.exception)


def test_a_training_with_a_ticket_does_not_ask_again(tmp_path, trained):
    """What the laws would block starts with a ticket that says PASS for it, and the run keeps that."""
    config, run = make_tiny_config(), tmp_path / "run"
    ticket = write_ticket(tmp_path / "t.json", config_hash=config_hash(config))
    (tmp_path / "c.yaml").write_text(resolved_text(config))
    arguments = ["train", str(tmp_path / "c.yaml"), "--out", str(run), "--device", "cpu", "--ticket", str(ticket)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert json.loads((run / "run.json").read_text())["gate"].startswith("PASS, by ticket")
    assert len(trained) == 1


def test_a_ticket_for_another_configuration_starts_nothing(tmp_path, trained):
    """The command checks it against what it is asked to train."""
    ticket = write_ticket(tmp_path / "t.json")
    ended = CliRunner().invoke(app, ["train", "smoke", "--out", str(tmp_path / "run"), "--ticket", str(ticket)])
    assert isinstance(ended.exception, InputError)
    assert "another configuration" in str(ended.exception)
    assert trained == []
