"""A golden case of a few steps, for tests in which many processes train it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from neuromf.golden.case import GoldenCase, read_case


def short_case(name: str, folder: Path, steps: int) -> GoldenCase:
    """A copy of a kept case in `folder` whose contract asks for `steps` steps; its golden trace is still whole."""
    shutil.copytree(read_case(name).folder, folder / name)
    contract = folder / name / "case.toml"
    contract.write_text(re.sub(r"(?m)^steps = \d+$", f"steps = {steps}", contract.read_text()))
    case = read_case(name, folder)
    assert case.contract.steps == steps
    return case
