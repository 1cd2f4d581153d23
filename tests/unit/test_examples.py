"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import neuromf_spec
import pytest

import neuromf

PACKAGES = (Path(neuromf.__file__).parent, Path(neuromf_spec.__file__).parent)
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
    for package in PACKAGES
    for path in package.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_a_modules_examples_give_what_they_say(name):
    """Each is run, and prints the very characters that stand beside it."""
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
