"""What a configuration may hold."""

from __future__ import annotations

from collections.abc import Collection

from neuromf_spec.citations import public_code
from neuromf_spec.law import Enforcer, Finding, Law, Severity


def known_keys(*, unknown: Collection[str]) -> Finding:
    """Judge the keys of a configuration that the schema does not know."""
    return Finding(
        passed=not unknown,
        value="unknown " + ", ".join(sorted(unknown)) if unknown else "no unknown key",
        bound="none",
        unit="keys",
    )


LAWS = (
    Law(
        id="CFG-001",
        title="every key counts",
        statement="An unknown key is an error, and every known key changes something that can be observed.",
        equation=r"\mathrm{keys}(\mathrm{config}) \subseteq \mathrm{keys}(\mathrm{schema})",
        sources=(public_code("two norm_eps and three t_min, read with defaults"),),
        severity=Severity.BLOCK,
        predicate=known_keys,
        example={"unknown": ()},
        counterexample={"unknown": ("meanflow.norm_epsilon",)},
        remedy="Correct the key's spelling or section.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
        kills=("X1",),
    ),
)
