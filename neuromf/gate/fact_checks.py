"""Static checks by facts: the laws that judge any MeanFlow code, asked of a configuration of our own trainer."""

from __future__ import annotations

from neuromf.config.derived import RunFacts
from neuromf.config.schema import Config
from neuromf.facts.laws import FACT_LAWS, FactLaw
from neuromf.facts.of_config import CONFIG_KEYS, facts_of
from neuromf.gate.check import Arguments, Check


def _check(entry: FactLaw) -> Check:
    def arguments(config: Config, _: RunFacts) -> Arguments | None:
        facts = facts_of(config)
        return entry.arguments(facts) if entry.applies(facts) and not entry.missing(facts) else None

    return Check(entry.law_id, CONFIG_KEYS.get(entry.fact, ""), arguments)


def unknown_laws(config: Config) -> list[str]:
    """Laws that a configuration alone cannot answer, because code of the user's own decides what they ask."""
    facts = facts_of(config)
    return [entry.law_id for entry in FACT_LAWS.values() if entry.applies(facts) and entry.missing(facts)]


CHECKS = tuple(_check(entry) for entry in FACT_LAWS.values())
