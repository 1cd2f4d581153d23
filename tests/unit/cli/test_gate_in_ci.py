"""`neuromf gate` as CI calls it: SARIF, GitHub's annotations and summary, several configurations in one call."""

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.command_line import run_command

pytestmark = pytest.mark.law("OBS-003")

BAD = "training:\n  epochs: 10\nunet:\n  time_scale: 1000.0\n"
BAD += "training.precision: bf16\nmeanflow:\n  jvp: finite_difference\n  fd_step: 0.001\n"
GOOD = "extends: recommended\n"
BROKEN = "training:\n  epochs: 3\n  epocs: 4\n"


@pytest.fixture
def gate(monkeypatch, capsys, tmp_path):
    """Run the static gate in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return lambda *arguments: run_command(monkeypatch, capsys, "gate", "--static", *arguments)


def write(name, text):
    Path(name).write_text(text, encoding="utf-8")
    return name


def sarif():
    (run,) = json.loads(Path("gate.sarif").read_text(encoding="utf-8"))["runs"]
    return run


def lines(results):
    physical = [result["locations"][0]["physicalLocation"] for result in results]
    return [(p["artifactLocation"]["uri"], p["region"]["startLine"]) for p in physical]


@pytest.mark.parametrize(("text", "code"), [(GOOD, 0), (BAD, 1), (BROKEN, 2)])
def test_sarif_leaves_the_exit_code_and_the_output_as_they_are(gate, text, code):
    """With --sarif the command ends and prints as it does without."""
    write("a.yaml", text)
    plain = gate("a.yaml")
    with_sarif = gate("a.yaml", "--sarif", "gate.sarif")
    assert plain.returncode == with_sarif.returncode == code
    assert plain.stderr == with_sarif.stderr
    assert plain.stdout.rpartition(";")[0] == with_sarif.stdout.rpartition(";")[0]
    assert sarif()["invocations"][0]["exitCode"] == code


def test_a_result_is_on_the_line_of_the_file(gate):
    """By the whole command, an override and a waiver included."""
    write("a.yaml", BAD)
    waiver = (
        '[[waiver]]\nlaw = "JVP-005"\nconfig = "a.yaml"\nreason = "ablation"\nowner = "lab"\nexpires = 2999-01-01\n'
    )
    write("w.toml", waiver)
    gate("a.yaml", "--sarif", "gate.sarif", "--waivers", "w.toml", "--set", "training.warmup_steps=900")
    results = {result["ruleId"]: result for result in sarif()["results"]}
    assert lines([results["JVP-005"]]) == [("a.yaml", 4)]
    assert results["JVP-005"]["suppressions"][0]["justification"] == "waived by lab until 2999-01-01: ablation"
    assert "training.warmup_steps is from --set" in results["LR-003"]["message"]["text"]


def test_a_configuration_that_does_not_load_leaves_sarif_and_junit(gate):
    """The sentence and exit code 2 are as ever; CI finds the line in both files."""
    ended = gate(write("a.yaml", BROKEN), "--sarif", "gate.sarif", "--junit", "gate.xml", "--json", "gate.json")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("neuromf: a.yaml: training.epocs: unknown key")
    (notification,) = sarif()["invocations"][0]["toolExecutionNotifications"]
    assert lines([notification]) == [("a.yaml", 3)]
    suite = ElementTree.parse("gate.xml").getroot()
    assert (suite.attrib["tests"], suite.attrib["errors"], suite.attrib["failures"]) == ("1", "1", "0")
    assert "unknown key" in suite.find("testcase/error").attrib["message"]
    assert not Path("gate.json").exists()


def test_waivers_that_cannot_be_read_are_told_in_sarif(gate):
    """At the first line of their file."""
    write("w.toml", "# no\nwaivers\n")
    assert gate(write("a.yaml", GOOD), "--waivers", "w.toml", "--sarif", "gate.sarif").returncode == 2
    assert lines(sarif()["invocations"][0]["toolExecutionNotifications"]) == [("w.toml", 1)]


@pytest.mark.parametrize("output", ["--sarif", "--junit"])
@pytest.mark.parametrize("text", [BROKEN, "training: [1\n"], ids=["unknown key", "no YAML"])
def test_no_output_replaces_a_configuration_that_does_not_load(gate, output, text):
    """What a user would lose is their own file, which they are about to correct."""
    write("base.yaml", text)
    write("child.yaml", "extends: ./base.yaml\n")
    for name in ("base.yaml", "child.yaml"):
        ended = gate("child.yaml", output, name)
        assert ended.returncode == 2
        assert "would be overwritten" in ended.stderr
    assert Path("base.yaml").read_text() == text


@pytest.mark.parametrize("output", ["--sarif", "--junit"])
def test_an_output_that_cannot_be_written_is_one_sentence(gate, output):
    """Before anything is judged."""
    ended = gate(write("a.yaml", GOOD), output, "absent/gate.out")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"neuromf: absent/gate.out: {output}: cannot be written (No such file or directory)")


def test_two_outputs_are_two_files(gate):
    """One would replace the other."""
    assert gate(write("a.yaml", GOOD), "--sarif", "gate.out", "--junit", "gate.out").returncode == 2


def test_github_prints_annotations_below_the_verdict(gate):
    """Each on a line of its own."""
    ended = gate(write("a.yaml", BAD), "--github")
    assert ended.returncode == 1
    commands = [line for line in ended.stdout.splitlines() if line.startswith("::")]
    assert any(line.startswith("::error file=a.yaml,line=4,title=JVP-005 ") for line in commands)
    assert ended.stdout.index("BLOCKED a.yaml") < ended.stdout.index("::error")


def test_github_annotates_what_does_not_load(gate):
    """On standard output, where the runner looks; the sentence stays on standard error."""
    ended = gate(write("a.yaml", BROKEN), "--github")
    assert ended.returncode == 2
    assert ended.stdout.startswith("::error file=a.yaml,line=3,title=")
    assert ended.stderr.startswith("neuromf: a.yaml: training.epocs")


def test_github_adds_to_the_summary(gate, monkeypatch):
    """What stands in it stays."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", write("summary.md", "before, without a line end"))
    gate(write("a.yaml", BAD), "--github")
    text = Path("summary.md").read_text()
    assert text.startswith("before, without a line end\n\n## neuromf gate: 1 blocked\n")
    assert "| JVP" in text


def test_without_github_there_are_neither_annotations_nor_summary(gate, monkeypatch):
    """A variable alone asks for nothing; an empty one names no file."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    assert "::" not in gate(write("a.yaml", BAD)).stdout
    assert not Path("summary.md").exists()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "")
    assert gate("a.yaml", "--github").returncode == 1


def test_a_summary_that_cannot_be_written_is_one_sentence(gate, monkeypatch):
    """Exit code 2, nothing judged."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "absent/summary.md")
    ended = gate(write("a.yaml", GOOD), "--github")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("neuromf: absent/summary.md: GITHUB_STEP_SUMMARY: cannot be written (No such file")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(("place", "problem"), [(".", "Is a directory"), ("/dev/full", "No space left on device")])
def test_a_summary_in_an_impossible_place_is_one_sentence(gate, monkeypatch, place, problem):
    """A folder is told at once, a full disk when it refuses."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", place)
    ended = gate(write("a.yaml", GOOD), "--github")
    assert ended.returncode == 2
    assert f"cannot be written ({problem})" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_two_files_are_layers_unless_each_is_asked_for(gate):
    """As layers, what the later says counts; each by itself, one of them is blocked."""
    names = [write("a.yaml", BAD), write("b.yaml", "unet:\n  time_scale: 1.0\ntraining:\n  epochs: 200\n")]
    assert gate(*names).returncode == 0
    ended = gate("--each", *names)
    assert ended.returncode == 1
    assert "BLOCKED a.yaml:" in ended.stdout
    assert "PASS b.yaml:" in ended.stdout


def test_each_goes_on_after_one_that_does_not_load(gate):
    """All are judged, each error is told, and the exit code is the worst."""
    names = [write("a.yaml", BROKEN), write("b.yaml", BAD), "absent.yaml", write("c.yaml", GOOD)]
    ended = gate("--each", *names, "--sarif", "gate.sarif", "--junit", "gate.xml", "--github")
    assert ended.returncode == 2
    assert "PASS c.yaml:" in ended.stdout
    first, second = ended.stderr.splitlines()
    assert first.startswith("neuromf: a.yaml: training.epocs: unknown key")
    assert second.startswith("neuromf: 'absent.yaml' is neither a recipe nor a file")
    assert {uri for uri, _ in lines(sarif()["results"])} == {"b.yaml"}
    assert len(sarif()["invocations"][0]["toolExecutionNotifications"]) == 2
    suites = ElementTree.parse("gate.xml").getroot()
    assert suites.tag == "testsuites"
    assert [suite.attrib["name"] for suite in suites] == [f"neuromf gate {name}" for name in names]
    assert [len(suite.findall("testcase/error")) for suite in suites] == [1, 0, 1, 0]


@pytest.mark.parametrize("option", ["--json", "--report"])
def test_an_output_of_one_verdict_is_refused_for_several(gate, option):
    """One verdict would replace the other."""
    ended = gate("--each", write("a.yaml", GOOD), write("b.yaml", GOOD), option, "out")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"neuromf: {option}: holds one verdict, and 2 configurations are judged")
    assert gate("--each", "a.yaml", option, "out").returncode == 0
    assert Path("out").exists()


def test_each_needs_a_configuration(gate):
    """A pattern that matches nothing must not pass as the default recipe."""
    ended = gate("--each")
    assert ended.returncode == 2
    assert ended.stderr.startswith("neuromf: --each: no configuration is named")


def test_other_yaml_files_are_left_out_where_that_is_asked_for(gate):
    """Named on the output and in the SARIF; without the option they are told to be no configuration."""
    names = [write("ci.yml", "on: push\njobs: {}\n"), write("a.yaml", GOOD)]
    assert gate("--each", *names).returncode == 2
    ended = gate("--each", "--skip-others", *names, "--sarif", "gate.sarif")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "ci.yml: left out, for it has no key of neuromf at its top level" in ended.stdout.splitlines()
    (note,) = sarif()["invocations"][0]["toolExecutionNotifications"]
    assert note["level"] == "note"
    assert "ci.yml" in note["message"]["text"]


def test_other_yaml_files_alone_pass(gate):
    """Nothing is judged, which is said."""
    ended = gate("--each", "--skip-others", write("ci.yml", "on: push\n"), "--github", "--sarif", "gate.sarif")
    assert ended.returncode == 0
    assert ended.stdout.splitlines() == ["ci.yml: left out, for it has no key of neuromf at its top level"]


def test_others_are_left_out_of_several_configurations_only(gate):
    """A layer that is left out would change what is judged."""
    ended = gate("--skip-others", write("ci.yml", "on: push\n"), write("a.yaml", GOOD))
    assert ended.returncode == 2
    assert ended.stderr.startswith("neuromf: --skip-others: needs --each")


@pytest.mark.parametrize("name", ["a b.yaml", "é→.yaml", os.fsdecode(b"r\xe9n.yaml"), "a\nb.yaml", "a\x1b\x07.yaml"])
def test_any_name_of_a_configuration_passes_through_every_form(gate, monkeypatch, name):
    """Blanks, letters, bytes that are no text, line ends: SARIF, JUnit and summary are written."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    write(name, BAD)
    ended = gate("--each", name, "--sarif", "gate.sarif", "--junit", "gate.xml", "--github")
    assert ended.returncode == 1
    assert sarif()["results"]
    assert ElementTree.parse("gate.xml").getroot().findall("testsuite/testcase/failure")
    assert "JVP" in Path("summary.md").read_text(encoding="utf-8")


def test_no_name_becomes_a_command_of_githubs(gate):
    """The runner reads a command at the start of any line: a name with a line end stays on its own line."""
    name = write("a\n::stop-commands::x.yaml", BAD)
    ended = gate("--each", name, "--github", "--set", "training.epochs=10")
    assert ended.returncode == 1
    started = [line.split(" ")[0] for line in ended.stdout.splitlines() if line.startswith("::")]
    assert set(started) <= {"::error", "::warning", "::notice"}
    assert gate("--each", "--skip-others", write("b\n::error::x.yaml", "on: push\n")).stdout.count("\n") == 1
