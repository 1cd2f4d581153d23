"""The gate's answer: one status from all laws, as data."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tools.gate.result import LawResult

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the gate says about one configuration.

    Attributes:
        name: what the user called it.
        config_hash: SHA-256 of the resolved configuration.
        results: every law that was judged, static ones first.
        smoke: summary of the smoke training, None without one.
        seconds: wall time of the gate.
    """

    name: str
    config_hash: str
    results: list[LawResult]
    smoke: dict[str, Any] | None
    seconds: float

    @property
    def status(self) -> Literal["PASS", "BLOCKED"]:
        """BLOCKED when any law blocks."""
        return "BLOCKED" if self.with_status("block") else "PASS"

    def with_status(self, status: str) -> list[LawResult]:
        """Laws with this status."""
        return [result for result in self.results if result.status == status]

    def to_json(self) -> str:
        """The verdict as JSON text."""
        document = {
            "schema": SCHEMA,
            "status": self.status,
            "config": self.name,
            "config_hash": self.config_hash,
            "blocked": [result.law_id for result in self.with_status("block")],
            "warned": [result.law_id for result in self.with_status("warn")],
            "waived": [result.law_id for result in self.with_status("waived")],
            "laws": [asdict(result) for result in self.results],
            "smoke": self.smoke,
            "seconds": round(self.seconds, 3),
        }
        return json.dumps(_without_nan(document), indent=1, allow_nan=False) + "\n"


def _without_nan(value: Any) -> Any:  # noqa: ANN401
    """JSON has no NaN and no infinity: they become the text `nan` or `inf`."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
