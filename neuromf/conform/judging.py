"""Judges an adapter: the suite, its snippets, and the facts that the adapter gives."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neuromf_spec.conformance.judging import told_error
from neuromf_spec.conformance.suite import judge, judged_laws
from neuromf_spec.conformance.verdict import FAILED

from neuromf.conform.declared_facts import declared_facts
from neuromf.conform.load import LoadedAdapter
from neuromf.conform.snippet import snippet
from neuromf.conform.verdict import ConformVerdict
from neuromf.errors import InputError

if TYPE_CHECKING:
    from neuromf.conform.one_step.outcome import OneStepOutcome
    from neuromf.gate.facts_verdict import FactsVerdict


def judge_adapter(
    loaded: LoadedAdapter, *, laws: Sequence[str] = (), seed: int = 0, training_steps: int = 0
) -> ConformVerdict:
    """Judge a code by its adapter.

    Args:
        loaded: the adapter.
        laws: ids of the laws to report; all where empty.
        seed: of the suite's draws.
        training_steps: length of the small trainings with the code's loss; 0 makes none.

    Raises:
        InputError: a law is none that the suite judges, its facts are none, or its loss raises while it is trained.
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
        one_step=_trained(loaded, seed, training_steps) if training_steps else (),
        seconds=time.perf_counter() - began,
    )


def _trained(loaded: LoadedAdapter, seed: int, steps: int) -> Sequence[OneStepOutcome]:
    from neuromf.conform.one_step.settings import LearnerSettings
    from neuromf.conform.one_step.training import train_one_step

    if not callable(getattr(loaded.make(), "loss", None)):
        remedy = "give it `loss`, or leave --train out"
        raise InputError("has no loss to train with", remedy=remedy, file=loaded.file, key=loaded.class_name)
    try:
        return train_one_step(loaded.make(), seed=seed, settings=LearnerSettings(steps=steps))
    except Exception as error:
        problem = f"cannot be trained with ({told_error(error)})"
        remedy = "let it take any network of z, r and t, or leave --train out"
        raise InputError(problem, remedy=remedy, file=loaded.file, key=f"{loaded.class_name}.loss") from error


def _facts(loaded: LoadedAdapter, adapter: Any) -> FactsVerdict | None:  # noqa: ANN401
    facts = getattr(adapter, "facts", None)
    if not facts:
        return None
    from neuromf.facts.read import facts_of_trees
    from neuromf.gate.facts_verdict import judge_facts

    return judge_facts(facts_of_trees([(loaded.file, declared_facts(adapter.declares) | dict(facts))]))
