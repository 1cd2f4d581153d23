"""A failing test names the law that fell."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from neuromf_spec.registry import law

CONFTEST = Path(__file__).parents[1] / "conftest.py"


def run_pytest(folder, body):
    shutil.copyfile(CONFTEST, folder / "conftest.py")
    (folder / "test_sample.py").write_text(f"import pytest\n\n{body}\n")
    options = ["-q", "--strict-markers", "-p", "no:cacheprovider", "--junitxml=report.xml"]
    command = [sys.executable, "-m", "pytest", *options]
    environment = {**os.environ, "PYTHONPATH": str(CONFTEST.parents[1])}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_failure_names_law_statement_and_remedy(tmp_path):
    """A failing test with a law prints the law's id, statement and remedy, and its report carries the id."""
    run = run_pytest(tmp_path, '@pytest.mark.law("WGT-001")\ndef test_weight():\n    assert False')
    assert run.returncode == 1
    assert f"law WGT-001 fell: {law('WGT-001').statement}" in run.stdout
    assert law("WGT-001").remedy in run.stdout
    assert '<property name="law" value="WGT-001"' in (tmp_path / "report.xml").read_text()


def test_success_says_nothing(tmp_path):
    """A passing test mentions no law."""
    run = run_pytest(tmp_path, '@pytest.mark.law("WGT-001")\ndef test_weight():\n    assert True')
    assert run.returncode == 0
    assert "WGT-001" not in run.stdout


def test_unknown_law_stops_the_session(tmp_path):
    """A test that enforces an id outside the registry is a usage error."""
    run = run_pytest(tmp_path, '@pytest.mark.law("WGT-999")\ndef test_weight():\n    assert True')
    assert run.returncode == 4
    assert "unknown law WGT-999" in run.stdout + run.stderr
