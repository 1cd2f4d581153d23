"""Which laws spoke against which should have: a failure names those that were wrong."""

from __future__ import annotations

import pytest


def assert_told(request: pytest.FixtureRequest, told: set[str], expected: set[str], where: object = "") -> None:
    """Fail where other laws spoke than those expected, in the name of each that spoke or kept silent wrongly."""
    for law_id in sorted(told ^ expected):
        request.node.add_marker(pytest.mark.law(law_id))
        request.node.user_properties.append(("law", law_id))
    assert told == expected, where
