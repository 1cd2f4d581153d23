"""The gate's verdict on another code's training, by the facts that are known of it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from neuromf_spec.registry import law

from neuromf import __version__
from neuromf.facts.laws import FACT_LAWS
from neuromf.facts.of_config import CONFIG_KEYS
from neuromf.facts.read import FactsFile
from neuromf.facts.schema import Facts
from neuromf.gate.result import LawResult, law_result
from neuromf.gate.verdict import SCHEMA
from neuromf.json_text import json_text

COUNTED_OTHERWISE = ("batch_size", "optimiser_steps")
"""Facts that our configuration sets through a key of another meaning: its value is no advice here."""
FACT_OF_KEY = {key: fact for fact, key in CONFIG_KEYS.items() if fact not in COUNTED_OTHERWISE}


@dataclass(frozen=True, kw_only=True)
class FactsVerdict:
    """What the laws say of a run that is not ours. No policy judges it: safety gear is asked of our own runs alone.

    Attributes:
        file: the facts, and what was not understood.
        results: laws that were judged.
        not_judged: laws that were not, by id, each with the facts it lacks.
        seconds: wall time.
    """

    file: FactsFile
    results: list[LawResult]
    not_judged: dict[str, list[str]]
    seconds: float

    @property
    def status(self) -> Literal["PASS", "BLOCKED"]:
        """BLOCKED when any law blocks."""
        return "BLOCKED" if self.laws("block") else "PASS"

    def laws(self, status: str) -> list[str]:
        """Ids of the laws with this status."""
        return [result.law_id for result in self.results if result.status == status]

    def to_json(self) -> str:
        """The verdict as JSON text."""
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "neuromf": __version__,
            "status": self.status,
            "facts": self.file.name,
            "blocked": self.laws("block"),
            "warned": self.laws("warn"),
            "laws": [asdict(result) for result in self.results],
            "not_judged": self.not_judged,
            "not_understood": list(self.file.not_understood),
            "notes": list(self.file.notes),
            "known": self.file.facts.model_dump(mode="json", exclude_unset=True),
            "origin": self.file.origin,
            "seconds": round(self.seconds, 3),
        }
        return json_text(document) + "\n"


def judge_facts(file: FactsFile) -> FactsVerdict:
    """Judge a run by every law whose facts are known."""
    started = time.perf_counter()
    results: list[LawResult] = []
    not_judged: dict[str, list[str]] = {}
    for law_id, entry in FACT_LAWS.items():
        if missing := entry.missing(file.facts):
            not_judged[law_id] = missing
        elif entry.applies(file.facts):
            source = file.origin.get(entry.fact, "")
            finding = entry.finding(file.facts)
            result = law_result(law(law_id), finding, key=entry.fact, where="static", value_source=source)
            results.append(_in_facts(result, file.facts))
    return FactsVerdict(file=file, results=results, not_judged=not_judged, seconds=time.perf_counter() - started)


def _in_facts(result: LawResult, facts: Facts) -> LawResult:
    """The same result with what would pass told in facts, where each of its keys is one and not all are so already."""
    parts = [part.partition("=") for part in result.passing_value.split()]
    if not parts or not all(key in FACT_OF_KEY for key, _, _ in parts):
        return replace(result, passing_value="")
    if all(_is_so(facts, FACT_OF_KEY[key], value) for key, _, value in parts):
        return replace(result, passing_value="")
    would_pass = ", ".join(f"{FACT_OF_KEY[key]}: {value}" for key, _, value in parts)
    return replace(result, remedy=f"{result.remedy} {would_pass} would pass.", passing_value="")


def _is_so(facts: Facts, name: str, value: str) -> bool:
    known = getattr(facts, name)
    return str(known) == value or (known is None and value == "null")
