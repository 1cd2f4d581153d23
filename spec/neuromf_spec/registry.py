"""All laws by id: families in a fixed order, numbers rising within each."""

from __future__ import annotations

from functools import cache

from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity, Source
from neuromf_spec.laws import (
    batch,
    checkpoint,
    comparison,
    configuration,
    covariates,
    data,
    divergence,
    ema,
    evaluation,
    finite_difference,
    forbidden_pairs,
    guard,
    identity,
    jvp,
    loss,
    loss_mask,
    network,
    observability,
    optimiser,
    path,
    precision,
    prediction,
    schedule,
    silent_faults,
    time,
    time_support,
    validation,
    weight_regime,
    weighting,
)

__all__ = ["Basis", "Enforcer", "Finding", "Law", "Severity", "Source", "law", "laws"]

_FAMILIES = (
    path.LAWS,
    time.LAWS,
    time_support.LAWS,
    identity.LAWS,
    jvp.LAWS,
    finite_difference.LAWS,
    prediction.LAWS,
    network.LAWS,
    weighting.LAWS,
    weight_regime.LAWS,
    loss.LAWS,
    covariates.LAWS,
    loss_mask.LAWS,
    schedule.LAWS,
    optimiser.LAWS,
    ema.LAWS,
    batch.LAWS,
    data.LAWS,
    precision.LAWS,
    checkpoint.LAWS,
    guard.LAWS,
    divergence.LAWS,
    silent_faults.LAWS,
    validation.LAWS,
    evaluation.LAWS,
    observability.LAWS,
    comparison.LAWS,
    configuration.LAWS,
    forbidden_pairs.LAWS,
)


@cache
def _index() -> dict[str, Law]:
    entries = [entry for family in _FAMILIES for entry in family]
    index = {entry.id: entry for entry in entries}
    if len(index) < len(entries):
        raise ValueError("a law id is used twice")
    rank = {prefix: place for place, prefix in enumerate(dict.fromkeys(entry.id.split("-")[0] for entry in entries))}
    return {law_id: index[law_id] for law_id in sorted(index, key=lambda law_id: (rank[law_id.split("-")[0]], law_id))}


def laws() -> dict[str, Law]:
    """Every law by id, in order; the dictionary is the caller's own."""
    return dict(_index())


def law(law_id: str) -> Law:
    """The law with this id.

    Raises:
        KeyError: no law has it.
    """
    if law_id not in _index():
        raise KeyError(f"no law has the id {law_id}")
    return _index()[law_id]
