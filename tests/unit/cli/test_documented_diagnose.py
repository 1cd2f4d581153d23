"""The page on diagnosing a log says what the program does."""

import re
from pathlib import Path

from neuromf.diagnosis.logs.diagnosed import diagnose_path
from neuromf.diagnosis.logs.told import told
from neuromf.diagnosis.logs.verdict import EXIT_CODES
from tests.support.log_files import lost_run_summary

PAGE = (Path(__file__).parents[3] / "docs/how-to/diagnose-a-log.md").read_text(encoding="utf-8")


def test_the_lines_on_the_page_are_those_of_the_lost_run(tmp_path, monkeypatch):
    """Each line of the page is one that is printed, but for what it leaves out behind three dots."""
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    lost_run_summary(tmp_path)
    monkeypatch.chdir(tmp_path)
    printed = "\n".join(told(diagnose_path(Path("training_summary.json"))[0]))
    lines = [line.partition(" ...")[0] for line in shown.splitlines() if "suspect" not in line]
    assert len(lines) == 4
    assert [line for line in lines if line not in printed] == []


def test_the_page_lists_every_exit_code():
    """Those of the verdicts, and 2 for what cannot be read."""
    listed = {int(code) for code in re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE)}
    assert listed == {*EXIT_CODES.values(), 2}
