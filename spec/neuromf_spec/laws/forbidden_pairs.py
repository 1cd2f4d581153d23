"""Pairs of options that must not stand together, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from neuromf_spec.citations import adam, measured, public_code, review
from neuromf_spec.law import Enforcer, Finding, Law, Severity

Settings = Mapping[str, Any]
"""Configuration values by dotted key, and `optimiser_steps`, the updates in the run."""


@dataclass(frozen=True, kw_only=True)
class ForbiddenPair:
    """Two options with a law between them.

    Attributes:
        keys: the two configuration keys.
        holds: whether both options are chosen.
        reason: why they must not be, as a clause that follows "because".
        passing_value: overrides that part them, blank-separated.
        law: id of the law that stands between them.
        impossible: whether torch cannot run them, so that the trainer refuses too.
        severity: what both together do to a launch.
    """

    keys: tuple[str, str]
    holds: Callable[[Settings], bool]
    reason: str
    passing_value: str
    law: str
    impossible: bool = False
    severity: Severity = Severity.BLOCK

    @property
    def name(self) -> str:
        """The two keys."""
        return " with ".join(self.keys)


def _exact(settings: Settings) -> bool:
    return bool(settings["meanflow.jvp"] == "exact")


FORBIDDEN_PAIRS = (
    ForbiddenPair(
        keys=("meanflow.jvp", "training.activation_checkpointing"),
        holds=lambda s: _exact(s) and s["training.activation_checkpointing"] == "reentrant",
        reason="a reentrant checkpoint has no forward-mode rule and torch raises; the other kind has one",
        passing_value="training.activation_checkpointing=non_reentrant",
        law="JVP-004",
        impossible=True,
    ),
    ForbiddenPair(
        keys=("meanflow.jvp", "training.ddp_static_graph"),
        holds=lambda s: _exact(s) and bool(s["training.ddp_static_graph"]),
        reason="DDP with a static graph raises under a forward-mode derivative",
        passing_value="training.ddp_static_graph=false",
        law="JVP-004",
        impossible=True,
    ),
    ForbiddenPair(
        keys=("training.optimiser", "training.weight_decay"),
        holds=lambda s: s["training.optimiser"] == "adam" and s["training.weight_decay"] > 0,
        reason="Adam divides the decay by the gradient's size, so that weights with large gradients hardly decay",
        passing_value="training.optimiser=adamw",
        law="CFG-002",
        severity=Severity.WARN,
    ),
    ForbiddenPair(
        keys=("training.warmup_steps", "training.epochs"),
        holds=lambda s: s["training.warmup_steps"] > s["optimiser_steps"],
        reason="a warm-up longer than the run never reaches the learning rate",
        passing_value="training.warmup_steps=0",
        law="LR-003",
    ),
    ForbiddenPair(
        keys=("unet.resblock_updown", "training.deterministic"),
        holds=lambda s: bool(s["unet.resblock_updown"] and s["training.deterministic"]),
        reason="the gradient of 3D average pooling has no deterministic CUDA kernel and torch raises there",
        passing_value="training.deterministic=false",
        law="CFG-002",
    ),
)
"""Every pair, in the order in which a report names them."""


def forbidden_together(*, settings: Settings) -> Finding:
    """Judge a configuration by the whole table."""
    return _judge(settings, FORBIDDEN_PAIRS)


def derivative_obstacles(*, settings: Settings) -> Finding:
    """Judge a configuration by the pairs that the exact derivative cannot bear."""
    return _judge(settings, tuple(pair for pair in FORBIDDEN_PAIRS if pair.law == "JVP-004"))


def impossible_pairs(settings: Settings) -> list[ForbiddenPair]:
    """Pairs that hold and that torch cannot run."""
    return [pair for pair in FORBIDDEN_PAIRS if pair.impossible and pair.holds(settings)]


def _judge(settings: Settings, table: tuple[ForbiddenPair, ...]) -> Finding:
    found = [pair for pair in table if pair.holds(settings)]
    mild = bool(found) and all(pair.severity is Severity.WARN for pair in found)
    return Finding(
        passed=not found,
        severity=Severity.WARN if mild else None,
        value="; ".join(pair.name for pair in found) or f"none of {len(table)} forbidden pairs",
        bound="none",
        unit="",
        detail="; ".join(f"{pair.name}: {pair.reason}" for pair in found),
        passing_value=" ".join(dict.fromkeys(part for pair in found for part in pair.passing_value.split())),
    )


_PERMITTED: dict[str, Any] = {
    "meanflow.jvp": "exact",
    "training.precision": "bf16",
    "training.activation_checkpointing": "non_reentrant",
    "training.ddp_static_graph": False,
    "training.optimiser": "adamw",
    "training.weight_decay": 0.01,
    "training.warmup_steps": 100,
    "optimiser_steps": 1_875,
    "unet.resblock_updown": False,
    "training.deterministic": True,
}

LAWS = (
    Law(
        id="JVP-004",
        title="derivative is possible",
        statement="The derivative needs no fused attention; reentrant checkpoints and static-graph DDP are refused.",
        equation=r"\text{exact} \Rightarrow \lnot(\text{reentrant} \lor \text{static graph})",
        sources=(
            review("section 3.3, finite differences for the sake of checkpoints"),
            measured("tests/laws/test_law_forbidden_pairs.py"),
        ),
        severity=Severity.BLOCK,
        predicate=derivative_obstacles,
        example={"settings": _PERMITTED},
        counterexample={"settings": {**_PERMITTED, "training.ddp_static_graph": True}},
        remedy="Give up the named option; each has an equal that the derivative can bear.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
        kills=("J5", "J6"),
    ),
    Law(
        id="CFG-002",
        title="no forbidden pair",
        statement="Options with a law between them are refused together, with the reason.",
        equation=r"\forall (a, b) \in F:\ \lnot (a \land b)",
        sources=(
            review("section 3.1, RC1 and E5"),
            adam("Algorithm 1"),
            public_code("maisi_unet.py:79, resblock_updown"),
            measured("tests/laws/test_law_forbidden_pairs.py"),
        ),
        severity=Severity.BLOCK,
        predicate=forbidden_together,
        example={"settings": _PERMITTED},
        counterexample={"settings": {**_PERMITTED, "unet.resblock_updown": True}},
        remedy="Change one option of each pair.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
        kills=("O4", "X3"),
    ),
)
