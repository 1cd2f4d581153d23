"""The comparisons that findings are made of; each is written so that NaN fails."""

from __future__ import annotations

from neuromf_spec.law import Finding, Severity


def at_most(
    value: float,
    limit: float,
    *,
    unit: str = "",
    detail: str = "",
    passing_value: str = "",
    severity: Severity | None = None,
) -> Finding:
    """Pass when `value` is at most `limit`; a passed finding carries neither remedy nor raised severity."""
    passed = bool(value <= limit)
    return Finding(
        passed=passed,
        value=value,
        bound=f"<= {limit:.6g}",
        unit=unit,
        detail=detail,
        passing_value="" if passed else passing_value,
        severity=None if passed else severity,
    )


def at_least(
    value: float,
    limit: float,
    *,
    unit: str = "",
    detail: str = "",
    passing_value: str = "",
    severity: Severity | None = None,
) -> Finding:
    """Pass when `value` is at least `limit`; a passed finding carries neither remedy nor raised severity."""
    passed = bool(value >= limit)
    return Finding(
        passed=passed,
        value=value,
        bound=f">= {limit:.6g}",
        unit=unit,
        detail=detail,
        passing_value="" if passed else passing_value,
        severity=None if passed else severity,
    )


def within(
    value: float, low: float, high: float, *, unit: str = "", detail: str = "", passing_value: str = ""
) -> Finding:
    """Pass when `value` lies in [low, high]."""
    passed = bool(low <= value <= high)
    return Finding(
        passed=passed,
        value=value,
        bound=f"{low:.6g} .. {high:.6g}",
        unit=unit,
        detail=detail,
        passing_value="" if passed else passing_value,
    )


def relative_difference(actual: float, expected: float) -> float:
    """Distance of `actual` from `expected`, in units of `expected` (of 1 when that is zero)."""
    return abs(actual - expected) / (abs(expected) or 1.0)
