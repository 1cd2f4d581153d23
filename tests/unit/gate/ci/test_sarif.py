"""The gate's findings as SARIF."""

import datetime
import hashlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
from neuromf_spec.law import Severity
from neuromf_spec.registry import laws
from neuromf_spec.waivers import Waiver

import neuromf
from neuromf.gate.ci.findings import LEVELS
from neuromf.gate.ci.sarif import to_sarif
from tests.support.judged_config import judged, refused

pytestmark = pytest.mark.law("OBS-003")

SCHEMA = Path(__file__).parents[3] / "support" / "schemas" / "sarif-2.1.0-rtm.5.json"
VALIDATOR = jsonschema.Draft4Validator(
    json.loads(SCHEMA.read_text(encoding="utf-8")), format_checker=jsonschema.FormatChecker()
)
BAD = "#\ntraining:\n  warmup_steps: 600\n  epochs: 10\n  beta2: 0.95\nunet:\n  time_scale: 1000.0\n"
BAD += "training.precision: bf16\nmeanflow:\n  jvp: finite_difference\n  fd_step: 0.001\n"
"""Blocked by the rate of the embedding; its warm-up is too long."""


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name, text=BAD):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    return name


def run_of(*configs):
    """The one run of a document that the schema accepts."""
    document = json.loads(to_sarif(configs))
    VALIDATOR.validate(document)
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    return run


def results_by_law(run):
    return {result["ruleId"]: result for result in run["results"]}


def place(result):
    """File and line of a result."""
    (location,) = result["locations"]
    physical = location["physicalLocation"]
    return physical["artifactLocation"]["uri"], physical["region"]["startLine"]


def test_the_schema_refuses_what_is_no_sarif():
    """It is the real one: it sees a wrong level, a wrong line and a key that it does not know."""
    document = json.loads(to_sarif([judged(write("a.yaml"))]))
    result = document["runs"][0]["results"][0]
    for key, value in (("level", "block"), ("locatoins", []), ("locations", [{"physicalLocation": {"line": 1}}])):
        broken = {**document, "runs": [{**document["runs"][0], "results": [{**result, key: value}]}]}
        with pytest.raises(jsonschema.ValidationError):
            VALIDATOR.validate(broken)


def test_each_finding_that_failed_is_a_result_and_no_other():
    """Laws that hold are rules without a result, those too that are worth reading: only a broken one has a remedy."""
    config = judged(write("a.yaml"))
    assert "info" in {result.status for result in config.verdict.results}
    failed = [result.law_id for result in config.verdict.results if result.remedy]
    assert {"JVP-005", "LR-003"} <= set(failed)
    run = run_of(config)
    assert [result["ruleId"] for result in run["results"]] == failed
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [r.law_id for r in config.verdict.results]


def test_a_finding_stands_on_the_line_of_the_key_that_broke_the_law():
    """The file as it lies below the working folder, and the line of the key."""
    results = results_by_law(run_of(judged(write("configs/a.yaml"))))
    assert place(results["JVP-005"]) == ("configs/a.yaml", 7)
    assert place(results["LR-003"]) == ("configs/a.yaml", 3)


def test_a_finding_on_several_keys_stands_on_the_first_of_them_that_is_set():
    """A law on pairs of settings names no key of its own; what would pass does."""
    result = results_by_law(run_of(judged(write("a.yaml"))))["CFG-002"]
    assert result["properties"]["key"] == ""
    assert "training.warmup_steps=0" in result["message"]["text"]
    assert place(result) == ("a.yaml", 3)


def test_a_result_names_its_rule_by_place_and_by_id():
    """Rules are those that were judged, each once, whatever the number of configurations."""
    run = run_of(judged(write("a.yaml")), judged(write("b.yaml")))
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules) > 20
    assert len(run["results"]) > 2
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_a_rule_tells_what_the_law_says_and_what_to_do():
    """Title, statement, remedy and sources of the registry; no address, for the site has none."""
    for rule in run_of(judged(write("a.yaml")))["tool"]["driver"]["rules"]:
        law = laws()[rule["id"]]
        assert rule["shortDescription"]["text"] == law.title
        assert rule["fullDescription"]["text"] == law.statement
        assert law.remedy in rule["help"]["text"]
        assert all(str(source) in rule["help"]["text"] for source in law.sources)
        assert "helpUri" not in rule


def test_the_level_of_a_result_follows_the_status_of_its_law():
    """What refuses a launch is an error, a warning a warning, the rest a note."""
    config = judged("failed_225")
    levels = {"block": "error", "policy": "error", "warn": "warning", "info": "note"}
    assert {result.status for result in config.verdict.results} >= {"block", "warn"}
    status = {result.law_id: result.status for result in config.verdict.results}
    results = run_of(config)["results"]
    assert [result["level"] for result in results] == [levels[status[result["ruleId"]]] for result in results]


def test_every_severity_of_a_law_has_a_level():
    """A severity that is added needs one too."""
    assert set(LEVELS) >= {severity.value for severity in Severity}


def test_a_message_tells_number_bound_and_what_would_pass():
    """With the title, all that the console says of a law but its sources."""
    config = judged("failed_225")
    messages = {result["ruleId"]: result["message"]["text"] for result in run_of(config)["results"]}
    for result in config.verdict.results:
        if result.remedy:
            texts = (result.title, result.found, result.bound, result.detail, *result.passing_value.split())
            assert all(text in messages[result.law_id] for text in texts)


def test_a_message_escapes_what_sarif_reads_as_a_placeholder():
    """A brace stands twice, as the standard has it."""
    config = judged(write("a.yaml"))
    first = replace(config.findings[0], text="{0} and {key}")
    run = run_of(replace(config, findings=(first,)))
    assert run["results"][0]["message"]["text"] == "{{0}} and {{key}}"


def test_a_value_of_a_recipe_says_that_it_is_from_there():
    """The place is the line of `extends`; the message says so."""
    write("a.yaml", "#\n#\nextends: failed_225\n")
    for result in run_of(judged("a.yaml"))["results"]:
        assert place(result) == ("a.yaml", 3)
        assert "recipe failed_225" in result["message"]["text"]


def test_a_recipe_named_by_itself_lies_in_no_file():
    """The result names the key, and no file of somebody's installation."""
    run = run_of(judged("failed_225"))
    keys = {r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for r in run["results"]}
    assert {"training.beta2", "unet.time_scale"} <= keys
    assert all("physicalLocation" not in result["locations"][0] for result in run["results"])
    assert str(Path(neuromf.__file__).parent) not in json.dumps(run)


def waiver(law, config):
    day = datetime.date.today() + datetime.timedelta(days=30)
    return Waiver(law=law, config=config, reason="an ablation; of course", owner="our lab", expires=day)


def test_a_waived_finding_is_suppressed_with_its_reason():
    """It stays a result of its law's own level; every other result says that it is not suppressed."""
    waived = waiver("JVP-005", write("a.yaml"))
    results = results_by_law(run_of(judged("a.yaml", waivers=[waived])))
    (suppression,) = results["JVP-005"]["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    said = f"waived by our lab until {waived.expires}: an ablation; of course"
    assert suppression["justification"] == said
    assert said not in results["JVP-005"]["message"]["text"]
    assert results["JVP-005"]["level"] == LEVELS[laws()["JVP-005"].severity.value]
    assert results["LR-003"]["suppressions"] == []


def test_a_waiver_of_another_configuration_suppresses_nothing():
    """Nor one that has expired."""
    write("a.yaml")
    old = replace(waiver("LR-003", "a.yaml"), expires=datetime.date(2020, 1, 1))
    run = run_of(judged("a.yaml", waivers=[waiver("JVP-005", "b.yaml"), old]))
    assert [result["suppressions"] for result in run["results"]] == [[]] * len(run["results"])


@pytest.mark.parametrize(
    "name", ["a b.yaml", "é→.yaml", "50%.yaml", "a:b.yaml", "a#b?c.yaml", "a[1]/b&c.yaml", "x,y.yaml"]
)
def test_the_path_of_a_file_is_a_uri(name):
    """Relative to the working folder, encoded; decoded it is the path."""
    for result in run_of(judged(write(name)))["results"]:
        uri, _ = place(result)
        parts = urlsplit(uri)
        assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri)
        assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("", "", name)


def test_a_name_that_is_no_utf_8_is_a_uri():
    """Its bytes are encoded as they are."""
    name = os.fsdecode(b"r\xe9n.yaml")
    Path(name).write_text(BAD)
    assert place(run_of(judged(name))["results"][0])[0] == "r%E9n.yaml"


@pytest.mark.parametrize("typed", ["{here}/configs/a.yaml", "./configs/a.yaml", "configs/../configs/a.yaml"])
def test_however_a_file_is_named_its_path_counts_from_the_working_folder(typed, tmp_path):
    """So that two machines write the same document."""
    write("configs/a.yaml")
    result = run_of(judged(typed.format(here=tmp_path)))["results"][0]
    assert place(result)[0] == "configs/a.yaml"


def test_a_file_outside_the_working_folder_has_an_absolute_uri(tmp_path, monkeypatch):
    """There is no other way to tell it."""
    write("a b.yaml")
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    uri, _ = place(run_of(judged("../a b.yaml"))["results"][0])
    assert uri == (tmp_path / "a b.yaml").as_uri()


def test_two_files_of_one_name_are_told_apart():
    """By path and by fingerprint."""
    run = run_of(judged(write("one/a.yaml")), judged(write("two/a.yaml")))
    places = [place(result)[0] for result in run["results"]]
    assert set(places) == {"one/a.yaml", "two/a.yaml"}
    assert len(fingerprints(run)) == len(run["results"])


def fingerprints(run):
    return {tuple(result["partialFingerprints"].items()) for result in run["results"]}


def test_a_fingerprint_stays_when_lines_and_numbers_move():
    """A comment above the key and another wrong value leave it; another law or key has another."""
    before = run_of(judged(write("a.yaml")))
    after = run_of(judged(write("a.yaml", "# one\n# two\n" + BAD.replace("600", "700"))))
    lines = [(place(one)[1], place(other)[1]) for one, other in zip(before["results"], after["results"], strict=True)]
    assert {(3, 5), (7, 9)} <= set(lines)
    assert fingerprints(before) == fingerprints(after)
    assert len(fingerprints(before)) == len(before["results"])


def test_a_fingerprint_is_that_of_former_releases():
    """Code hosts know a finding by it: with another one each that was closed is open again."""
    write("a.yaml", "#\ntraining:\n  warmup_steps: 600\n  epochs: 10\n  beta2: 0.95\nunet:\n  time_scale: 1000.0\n")
    (finding,) = [one for one in run_of(judged("a.yaml"))["results"] if one["ruleId"] == "JVP-005"]
    told = "JVP-005\nstatic\nunet.time_scale\na.yaml\na.yaml"
    assert list(finding["partialFingerprints"].values()) == [hashlib.sha256(told.encode()).hexdigest()]


def test_a_configuration_that_does_not_load_is_told_with_its_line():
    """The run is unsuccessful, and the sentence of the error stands at the file and line of it."""
    write("a b.yaml", "training:\n  epochs: 3\n  epocs: 4\n")
    config = refused("a b.yaml")
    run = run_of(config)
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"], run["results"]) == (False, 2, [])
    (notification,) = invocation["toolExecutionNotifications"]
    assert (notification["level"], notification["message"]["text"]) == ("error", config.error.sentence)
    assert place(notification) == ("a%20b.yaml", 3)


def test_one_that_loads_beside_one_that_does_not_is_judged():
    """Results of the one, a notification of the other, and an unsuccessful run."""
    write("bad.yaml", "training:\n  epochs: [1\n")
    run = run_of(judged(write("a.yaml")), refused("bad.yaml"))
    (invocation,) = run["invocations"]
    assert {place(result)[0] for result in run["results"]} == {"a.yaml"}
    assert [place(n)[0] for n in invocation["toolExecutionNotifications"]] == ["bad.yaml"]
    assert invocation["executionSuccessful"] is False


@pytest.mark.parametrize(("layer", "code"), [("recommended", 0), ("failed_225", 1)])
def test_a_blocked_configuration_is_a_successful_run(layer, code):
    """The tool has done its work; its exit code is told."""
    (invocation,) = run_of(judged(layer))["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, code)
    assert invocation["toolExecutionNotifications"] == []
