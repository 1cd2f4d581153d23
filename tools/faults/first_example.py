"""pytest plugin: a property test stops at its first failing example; the simplest takes minutes and proves no more."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Leave out the search for simpler examples, after the suite's own conftest has chosen its profile."""
    settings.register_profile("faults", settings(), phases=(Phase.explicit, Phase.generate))
    settings.load_profile("faults")
