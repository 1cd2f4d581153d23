"""Each static law on the two recipes that frame it: the recommended values obey, the lost run's break five."""

from __future__ import annotations

import pytest

from neuromf.config import load_config
from neuromf.gate.static import CHECKS, static_findings

BROKEN = {"JVP-003": "block", "JVP-005": "block", "WGT-002": "policy", "GUARD-001": "policy", "LR-003": "warn"}


def named(law_ids):
    """One case a law, marked with it, so that a failure says which law fell."""
    return [pytest.param(law_id, marks=pytest.mark.law(law_id), id=law_id) for law_id in law_ids]


VALIDATING = ("training.validate_every_epochs=10", "training.early_stop_patience=10")


def status(recipe, law_id):
    overrides = VALIDATING if law_id.startswith("VAL") else ()
    results = static_findings(load_config([recipe], list(overrides)), {})
    return next(result.status for result in results if result.law_id == law_id)


@pytest.mark.parametrize("law_id", named(CHECKS))
def test_the_recommended_recipe_obeys(law_id):
    """The recommended configuration passes the law without a warning; those of validation, where it validates."""
    assert status("recommended", law_id) == "pass"


@pytest.mark.parametrize("law_id", named(BROKEN))
def test_the_failed_run_breaks(law_id):
    """The lost run's configuration breaks the law, with the severity that evidence gives it."""
    assert status("failed_225", law_id) == BROKEN[law_id]
