"""The page of what the laws say of public codes."""

from __future__ import annotations
from collections.abc import Mapping, Sequence
from typing import Any
from tools.foreign.codes import Code, Finding
def page(codes: Sequence[Code], verdicts: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    return ""
def unchecked(verdicts: Mapping[str, Any], findings: Sequence[Finding]) -> list[str]:
    return []
