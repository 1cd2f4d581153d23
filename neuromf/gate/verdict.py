"""The gate's verdict as data: PASS or BLOCKED, with the result of every law."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass
from typing import Any, Literal

from neuromf import __version__
from neuromf.gate.result import REFUSED, LawResult
from neuromf.json_text import json_text

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class GateVerdict:
    """The gate's verdict on one configuration.

    Attributes:
        name: what the user called it.
        config_hash: SHA-256 of the resolved configuration.
        results: every law that was judged, static ones first.
        smoke: summary of the smoke training, None without one.
        inputs: scans that cannot be used, None where neither scans nor autoencoder were opened.
        notes: what else there is to say, a sentence each.
        seconds: wall time of the gate.
        expires: last day of the waiver that expires first among those it needs; None where it needs none.
    """

    name: str
    config_hash: str
    results: list[LawResult]
    smoke: dict[str, Any] | None
    seconds: float
    expires: datetime.date | None = None
    inputs: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["PASS", "BLOCKED"]:
        """BLOCKED when any law blocks or any safety gear is missing."""
        return "BLOCKED" if self.laws(*REFUSED) else "PASS"

    def with_status(self, status: str) -> list[LawResult]:
        """Laws with this status."""
        return [result for result in self.results if result.status == status]

    def laws(self, *statuses: str) -> list[str]:
        """Ids of the laws with one of these statuses, or of all that were judged, each once."""
        found = (result.law_id for result in self.results if not statuses or result.status in statuses)
        return list(dict.fromkeys(found))

    def to_json(self) -> str:
        """The verdict as JSON text."""
        document = {
            "schema": SCHEMA,
            "neuromf": __version__,
            "status": self.status,
            "config": self.name,
            "config_hash": self.config_hash,
            "expires": None if self.expires is None else self.expires.isoformat(),
            "blocked": self.laws(*REFUSED),
            "policy": self.laws("policy"),
            "warned": self.laws("warn"),
            "waived": self.laws("waived"),
            "laws": [asdict(result) for result in self.results],
            "inputs": self.inputs,
            "notes": list(self.notes),
            "smoke": self.smoke,
            "seconds": round(self.seconds, 3),
        }
        return json_text(document) + "\n"
