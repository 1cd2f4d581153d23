"""What the gate shows in CI is its verdict: every finding with its law, level, file and line, in each format."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given, settings
from neuromf_spec.registry import law

from neuromf.config.resolve import flat_config, unflatten
from neuromf.gate.ci.sarif import to_sarif
from neuromf.gate.ci.step_summary import step_summary
from neuromf.gate.ci.workflow_commands import workflow_commands
from neuromf.gate.junit import to_junit
from tests.support.config_strategies import configs
from tests.support.judged_config import judged

pytestmark = pytest.mark.law("OBS-003")
LEVELS = {"error": "error", "warning": "warning", "notice": "note"}
STATUSES = {"block": "error", "policy": "error", "warn": "warning", "info": "note"}


def line_of(text, key):
    """Line of a dotted key of two parts in block style, by its text alone."""
    section, _, name = key.partition(".")
    lines = text.splitlines()
    start = lines.index(f"{section}:")
    return next(start + 1 + n for n, line in enumerate(lines[start:]) if line.startswith(f"  {name}:"))


def keyed(verdict, text, path):
    """Findings that name a key, as the verdict itself has them; the line is found in the text once more."""
    broken = [result for result in verdict.results if result.remedy and result.key]
    return sorted(f"{r.law_id} {STATUSES[r.status]} {path.name}:{line_of(text, r.key)}" for r in broken)


def in_sarif(found, keys):
    """What the SARIF document says, of the same findings."""
    places = [(r, r["locations"][0]["physicalLocation"]) for r in found["runs"][0]["results"]]
    return sorted(
        f"{r['ruleId']} {r['level']} {Path(p['artifactLocation']['uri']).name}:{p['region']['startLine']}"
        for r, p in places
        if r["ruleId"] in keys
    )


def in_commands(lines, keys):
    """What GitHub's commands say, of the same findings."""
    form = re.compile(r"::(\w+) file=([^,]+),line=(\d+),title=([A-Z]+-\d{3})")
    parts = [form.match(line) for line in lines]
    return sorted(
        f"{part[4]} {LEVELS[part[1]]} {Path(part[2]).name}:{part[3]}" for part in parts if part and part[4] in keys
    )


@settings(max_examples=20)
@given(config=configs(source="demo"))
def test_every_format_shows_the_findings_of_the_verdict(config):
    """SARIF and GitHub's commands have each finding once, at its level, on the line of its key."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.yaml"
        text = yaml.safe_dump(unflatten(flat_config(config)), sort_keys=False, width=1000)
        path.write_text(text)
        shown = judged(str(path))
        found = keyed(shown.verdict, text, path)
        keys = {line.split()[0] for line in found}
        for told in (
            in_sarif(json.loads(to_sarif([shown])), keys),
            in_commands(workflow_commands([shown]), keys),
        ):
            finding = law("OBS-003").predicate(found=found, shown=told)
            assert finding.passed, finding.value


@settings(max_examples=20)
@given(config=configs(source="demo"))
def test_what_refuses_a_launch_is_a_failure_in_every_format(config):
    """JUnit's failures and the summary's errors are the laws that refuse the launch, and no other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.yaml"
        path.write_text(yaml.safe_dump(unflatten(flat_config(config)), sort_keys=False))
        shown = judged(str(path))
        refused = sorted(r.law_id for r in shown.verdict.results if r.status in ("block", "policy"))
        suite = ElementTree.fromstring(to_junit(shown.verdict))
        failed = sorted(case.attrib["name"] for case in suite.iter("testcase") if case.find("failure") is not None)
        summary = step_summary([shown])
        assert law("OBS-003").predicate(found=refused, shown=failed).passed
        assert all(law_id.replace("-", r"\-") in summary for law_id in refused)  # Markdown's escape
        assert ("BLOCKED" in summary) is bool(refused)
