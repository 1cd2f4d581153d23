"""Judges an adapter: the suite, its snippets, and the facts that the adapter gives."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neuromf_spec.conformance.suite import judge, judged_laws
from neuromf_spec.conformance.verdict import FAILED

from neuromf.conform.load import LoadedAdapter
from neuromf.conform.snippet import snippet
from neuromf.conform.verdict import ConformVerdict
from neuromf.errors import InputError

if TYPE_CHECKING:
    from neuromf.gate.facts_verdict import FactsVerdict


def judge_adapter(loaded: LoadedAdapter, *, laws: Sequence[str] = (), seed: int = 0) -> ConformVerdict:
    """Judge a code by its adapter.

    Args:
        loaded: the adapter.
        laws: ids of the laws to report; all where empty.
        seed: of the suite's draws.

    Raises:
        InputError: a law is none that the suite judges, or its facts are none.
    """
    began = time.perf_counter()
    for law_id in laws:
        if law_id not in judged_laws():
            remedy = f"give one of {', '.join(judged_laws())}"
            raise InputError(f"{law_id} cannot be judged from outside", remedy=remedy, key="--law")
    results = judge(loaded.subject, seed=seed, laws=laws)
    adapter = loaded.make()
    failed = [result for result in results if result.status in FAILED and result.trials]
    return ConformVerdict(
        name=loaded.name,
        adapter=f"{loaded.file}:{loaded.class_name}",
        library=adapter.library,
        seed=seed,
        results=results,
        snippets={result.key: snippet(result, loaded, adapter) for result in failed},
        facts=None if laws else _facts(loaded, adapter),
        seconds=time.perf_counter() - began,
    )


def _facts(loaded: LoadedAdapter, adapter: Any) -> FactsVerdict | None:  # noqa: ANN401
    facts = getattr(adapter, "facts", None)
    if not facts:
        return None
    from neuromf.facts.read import facts_of_trees
    from neuromf.gate.facts_verdict import judge_facts

    return judge_facts(facts_of_trees([(loaded.file, facts)]))
