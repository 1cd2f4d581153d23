"""Each static law on the two recipes that frame it: the recommended values obey, the lost run's break eight."""

from __future__ import annotations

import pytest

from neuromf.config import load_config
from neuromf.gate.static import CHECKS, static_findings

BROKEN = ("LR-003", "OPT-001", "WGT-002", "BATCH-001", "JVP-003", "JVP-005", "GUARD-001", "TIME-004")


def named(law_ids):
    """One case a law, marked with it, so that a failure says which law fell."""
    return [pytest.param(law_id, marks=pytest.mark.law(law_id), id=law_id) for law_id in law_ids]


def status(recipe, law_id):
    results = static_findings(load_config([recipe]), {})
    return next(result.status for result in results if result.law_id == law_id)


@pytest.mark.parametrize("law_id", named(CHECKS))
def test_the_recommended_recipe_obeys(law_id):
    """The recommended configuration passes the law without a warning."""
    assert status("recommended", law_id) == "pass"


@pytest.mark.parametrize("law_id", named(BROKEN))
def test_the_failed_run_breaks(law_id):
    """The lost run's configuration is blocked by the law."""
    assert status("failed_225", law_id) == "block"
