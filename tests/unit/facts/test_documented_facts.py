"""The page on another code's training says what the program does."""

import re
from pathlib import Path

from neuromf.facts.importers import IMPORTERS
from neuromf.facts.read import read_facts
from neuromf.gate.facts_verdict import judge_facts

PAGE = (Path(__file__).parents[3] / "docs/how-to/another-code.md").read_text(encoding="utf-8")


def test_the_file_of_facts_on_the_page_is_one(tmp_path):
    """It is read, and judged with the warning that its time scale deserves."""
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "run.yaml").write_text(text)
    verdict = judge_facts(read_facts(tmp_path / "run.yaml"))
    assert (verdict.status, verdict.laws("warn")) == ("PASS", ["JVP-005"])


def test_the_page_lists_the_importers():
    """Each by the name that --importer takes, and no other."""
    assert re.findall(r"^\| `(\w[\w-]*)` \|", PAGE, re.MULTILINE) == list(IMPORTERS)
