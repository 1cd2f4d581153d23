"""The static gate: every law that a configuration alone can break, judged in milliseconds without torch or numpy."""

from __future__ import annotations

from collections.abc import Mapping

from neuromf_spec.registry import laws

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.gate import fact_checks, training_checks
from neuromf.gate.check import Arguments
from neuromf.gate.result import LawResult, law_result

CHECKS = {check.law_id: check for check in (*fact_checks.CHECKS, *training_checks.CHECKS)}
"""Every law that has a static check, by id; where facts and our own configuration both can tell, ours knows more."""


def static_findings(
    config: Config, sources: Mapping[str, str], given: Mapping[str, Arguments | None] | None = None
) -> list[LawResult]:
    """Judge `config` by every law that needs no run and has something to judge, in the order of the registry.

    Args:
        config: a configuration that loaded.
        sources: where each value comes from, by dotted key, as `recipe_sources` gives it.
        given: arguments of laws, by id, that are known already; a law whose are None is left out.
    """
    facts = run_facts(config)
    results = []
    for law in laws().values():
        known = (given or {}).get(law.id, {})
        if law.id not in CHECKS or known is None:
            continue
        check = CHECKS[law.id]
        asked = known or check.arguments(config, facts)
        if asked is None:
            continue
        finding = law.predicate(**asked)
        source = sources.get(check.key, "")
        results.append(law_result(law, finding, key=check.key, where="static", value_source=source))
    return results
