"""The gate's findings as GitHub's workflow commands."""

import datetime
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.waivers import Waiver

from neuromf.config.places import FilePlace
from neuromf.gate.ci.workflow_commands import workflow_commands
from tests.support.judged_config import judged, refused

pytestmark = pytest.mark.law("OBS-003")

COMMAND = re.compile(r"::(error|warning|notice) ([^:\n\r]*)::([^\n\r]*)")
"""What the runner takes for a command: words, properties of `name=value` between commas, and the message."""
BAD = "#\ntraining:\n  warmup_steps: 600\n  epochs: 10\nunet:\n  time_scale: 1000.0\n"
BAD += "training.precision: bf16\nmeanflow:\n  jvp: finite_difference\n  fd_step: 0.001\n"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def decoded(text, *codes):
    """A text as the runner reads it: per cent last, or it would make codes of what was none."""
    for code in codes:
        text = text.replace(code, chr(int(code[1:], 16)))
    return text.replace("%25", "%")


def parsed(command):
    """Kind, properties and message, as the runner reads a line."""
    kind, properties, message = COMMAND.fullmatch(command).groups()
    pairs = dict(pair.split("=", 1) for pair in properties.split(",") if pair)
    pairs = {name: decoded(value, "%0D", "%0A", "%3A", "%2C") for name, value in pairs.items()}
    return kind, pairs, decoded(message, "%0D", "%0A")


def write(name, text=BAD):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_a_finding_is_annotated_on_its_line():
    """Level, file, line and title; the message is the finding's text."""
    config = judged(write("configs/a.yaml"))
    commands = [parsed(command) for command in workflow_commands([config])]
    kinds = {"error": "error", "warning": "warning", "note": "notice"}
    assert sorted(kind for kind, _, _ in commands) == sorted(kinds[finding.level] for finding in config.findings)
    (command,) = [command for command in commands if "JVP-005" in command[1]["title"]]
    assert command[0] == "error"
    assert command[1] == {"file": "configs/a.yaml", "line": "6", "title": "JVP-005 bounded time derivative"}
    assert command[2] == next(f.text for f in config.findings if f.result.law_id == "JVP-005")


def test_errors_come_first():
    """GitHub shows ten annotations of a step: of all configurations, what refuses a launch is told before warnings."""
    commands = workflow_commands([judged(write("a.yaml")), refused("absent.yaml"), judged("failed_225")])
    kinds = [parsed(command)[0] for command in commands]
    assert kinds == sorted(kinds, key=["error", "warning", "notice"].index)
    assert set(kinds) >= {"error", "warning"}


@pytest.mark.parametrize("name", ["a b.yaml", "é.yaml", "50%25.yaml", "a:b,c.yaml", "a\nb\rc.yaml", "x::error::y.yaml"])
def test_whatever_a_file_is_called_the_command_is_one_line(name):
    """The runner reads the name back as it is."""
    for command in workflow_commands([judged(write(name))]):
        assert parsed(command)[1]["file"] == name


@given(
    text=st.text(st.characters(exclude_categories=["Cs"])),
    name=st.text(st.sampled_from("a%0ADd2C3:,\n\r="), min_size=1),
)
def test_any_text_is_read_back_as_it_is(text, name):
    """Per cent signs, line ends, colons and commas neither end the command nor are changed."""
    config = judged("failed_225")
    finding = replace(config.findings[0], text=text, result=replace(config.findings[0].result, title=name))
    (command,) = workflow_commands([replace(config, findings=(finding,))])
    _, properties, message = parsed(command)
    assert message == text
    assert properties["title"] == f"{finding.result.law_id} {name}"


def test_a_waived_finding_is_not_annotated():
    """Somebody has allowed it; the summary tells it."""
    day = datetime.date.today() + datetime.timedelta(days=30)
    waived = Waiver(law="JVP-005", config=write("a.yaml"), reason="ablation", owner="lab", expires=day)
    titles = [parsed(c)[1]["title"] for c in workflow_commands([judged("a.yaml", waivers=[waived])])]
    assert len(titles) > 1
    assert not any("JVP-005" in title for title in titles)


def test_a_recipe_named_by_itself_is_annotated_on_no_file():
    """The runner then shows it on the workflow."""
    for command in workflow_commands([judged("failed_225")]):
        assert set(parsed(command)[1]) == {"title"}


def test_a_configuration_that_does_not_load_is_an_error_on_its_line():
    """With the sentence that the console shows."""
    config = refused(write("a.yaml", "training:\n  epocs: 4\n"))
    (command,) = workflow_commands([config])
    assert parsed(command) == (
        "error",
        {"file": "a.yaml", "line": "2", "title": "neuromf gate cannot judge it"},
        config.error.sentence,
    )


def test_a_file_outside_the_working_folder_keeps_its_whole_path(tmp_path, monkeypatch):
    """There is no shorter one."""
    config = judged(write("a.yaml"))
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    placed = [replace(f, place=FilePlace(tmp_path / "a.yaml", 3)) for f in config.findings]
    for command in workflow_commands([replace(config, findings=tuple(placed))]):
        assert parsed(command)[1]["file"] == str(tmp_path / "a.yaml")
