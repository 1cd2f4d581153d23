"""Lists where each law is enforced, read from the source tree: static checks, marked tests, checks while training."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neuromf_spec.law import Enforcer

from neuromf.gate.static import CHECKS

PROPERTY_TESTS, GOLDEN_TESTS = ("tests/laws",), ("tests/equivalence", "tests/golden")
RUNTIME_CODE = ("neuromf",)


@dataclass(frozen=True)
class EnforcementPlace:
    """One place that enforces a law: a file, and what in it."""

    law_id: str
    enforcer: Enforcer
    file: str
    name: str


def places(root: Path) -> list[EnforcementPlace]:
    """Every place in the checkout at `root` that enforces a law."""
    found = [
        EnforcementPlace(law_id, Enforcer.STATIC, "neuromf/gate/static.py", check.key)
        for law_id, check in CHECKS.items()
    ]
    found += _marked(root, PROPERTY_TESTS, Enforcer.PROPERTY)
    found += _marked(root, GOLDEN_TESTS, Enforcer.GOLDEN)
    found += [
        EnforcementPlace(law_id, Enforcer.RUNTIME, file, call)
        for file, tree in _modules(root, RUNTIME_CODE)
        for call in ("judge", "alarm_of")
        for law_id in sorted(_called_with(tree, call))
    ]
    return found


def enforcers(found: list[EnforcementPlace]) -> dict[str, frozenset[Enforcer]]:
    """The kinds of enforcer of each law, by id."""
    ids = dict.fromkeys(place.law_id for place in found)
    return {law_id: frozenset(p.enforcer for p in found if p.law_id == law_id) for law_id in ids}


def _marked(root: Path, folders: tuple[str, ...], enforcer: Enforcer) -> Iterator[EnforcementPlace]:
    for file, tree in _modules(root, folders):
        module_marks = {
            law_id
            for node in tree.body
            if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "pytestmark" for t in node.targets)
            for law_id in _called_with(node, "law")
        }
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                own = {law_id for decorator in node.decorator_list for law_id in _called_with(decorator, "law")}
                yield from (
                    EnforcementPlace(law_id, enforcer, file, node.name) for law_id in sorted(module_marks | own)
                )


def _modules(root: Path, folders: tuple[str, ...]) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _called_with(tree: ast.AST, name: str) -> set[str]:
    """First arguments, where they are text, of the calls of a function or method of this name."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    named = [c for c in calls if getattr(c.func, "attr", getattr(c.func, "id", "")) == name]
    return {c.args[0].value for c in named if isinstance(c.args[0], ast.Constant) and isinstance(c.args[0].value, str)}
