"""What a configuration may hold."""

from __future__ import annotations

from collections.abc import Collection

from neuromf_spec.citations import public_code, published
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity


def known_keys(*, unknown: Collection[str]) -> Finding:
    """Judge the keys of a configuration that the schema does not know."""
    return Finding(
        passed=not unknown,
        value="unknown " + ", ".join(sorted(unknown)) if unknown else "no unknown key",
        bound="none",
        unit="keys",
    )


def guided_start(*, initialised_from: str, guidance: str) -> Finding:
    """Judge what a run begins with.

    Args:
        initialised_from: `scratch`, `flow_matching` or `meanflow`.
        guidance: whether classifier-free guidance is inside the loss: `none`, `from_start` or `later`.
    """
    return Finding(
        passed=not (initialised_from == "flow_matching" and guidance == "from_start"),
        value=f"from {initialised_from} weights, guidance {guidance.replace('_', ' ')}",
        bound="not both at once",
        detail="two targets change at once; the public code that did so calls its fine-tuning unstable",
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
    Law(
        id="CFG-003",
        title="guidance comes later",
        statement="A net that starts from flow-matching weights is not trained with guidance in its loss at once.",
        equation=r"\theta_0 = \theta_{\mathrm{FM}} \Rightarrow \lnot\,\mathrm{guided}(k = 0)",
        sources=(published("zhuyu-cs/MeanFlow, fine-tuning with guidance"),),
        severity=Severity.WARN,
        basis=Basis.PUBLISHED,
        predicate=guided_start,
        example={"initialised_from": "flow_matching", "guidance": "later"},
        counterexample={"initialised_from": "flow_matching", "guidance": "from_start"},
        remedy="Train without guidance first, and add it when the MF loss has settled.",
        enforcers=frozenset({Enforcer.STATIC}),
    ),
)
