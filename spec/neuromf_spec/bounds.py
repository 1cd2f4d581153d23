"""The comparisons that findings are made of; each is written so that NaN fails."""

from __future__ import annotations

from dataclasses import replace

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
    return _judged(bool(value <= limit), value, f"<= {limit:.6g}", unit, detail, passing_value, severity)


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
    return _judged(bool(value >= limit), value, f">= {limit:.6g}", unit, detail, passing_value, severity)


def within(
    value: float, low: float, high: float, *, unit: str = "", detail: str = "", passing_value: str = ""
) -> Finding:
    """Pass when `value` lies in [low, high]."""
    return _judged(bool(low <= value <= high), value, f"{low:.6g} .. {high:.6g}", unit, detail, passing_value, None)


def _judged(
    passed: bool, value: float, bound: str, unit: str, detail: str, passing_value: str, severity: Severity | None
) -> Finding:
    return Finding(
        passed=passed,
        value=value,
        bound=bound,
        unit=unit,
        detail=detail,
        passing_value="" if passed else passing_value,
        severity=None if passed else severity,
    )


def told_where(finding: Finding, worth_reading: bool) -> Finding:
    """The same finding, marked as worth reading where it passed and something is to be told all the same."""
    return replace(finding, severity=Severity.INFO) if finding.passed and worth_reading else finding


def relative_difference(actual: float, expected: float) -> float:
    """Distance of `actual` from `expected`, in units of `expected` (of 1 when that is zero)."""
    return abs(actual - expected) / (abs(expected) or 1.0)
