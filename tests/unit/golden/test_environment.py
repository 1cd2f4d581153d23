"""The fingerprint of an environment: under each of its keys stands what its own source says."""

import platform

import monai
import numpy
import pytest
import torch

from neuromf.golden.case import case_names, read_case
from neuromf.golden.environment import environment
from neuromf.golden.store import provenance

SOURCES = {
    "python": [(platform, "python_version", lambda: "another")],
    "torch": [(torch, "__version__", "another")],
    "numpy": [(numpy, "__version__", "another")],
    "monai": [(monai, "__version__", "another")],
    "system": [(platform, "system", lambda: "another"), (platform, "machine", lambda: "another")],
    "instructions": [(torch.backends.cpu, "get_cpu_capability", lambda: "another")],
    "onednn": [(torch.backends.mkldnn, "is_available", lambda: "another")],
}


@pytest.mark.parametrize(("key", "source"), [(key, source) for key, found in SOURCES.items() for source in found])
def test_each_key_moves_with_its_source_and_no_other_does(monkeypatch, key, source):
    """Another version, processor or switch is told under its own key alone."""
    before = environment()
    monkeypatch.setattr(*source)
    after = environment()
    assert [name for name in before if after[name] != before[name]] == [key]
    assert "another" in after[key]


@pytest.mark.parametrize("name", case_names())
def test_every_kept_golden_names_the_keys_that_are_compared(name):
    """A key that a golden's provenance lacks would never be told as moved, and one that is gone always."""
    assert set(provenance(read_case(name))["environment"]) == set(environment()) == set(SOURCES)
