"""Whether the registry is still true: every enforcer exists, every source is pinned, every waiver is needed."""

from __future__ import annotations

import ast
import datetime
from collections.abc import Iterable, Iterator
from pathlib import Path

from neuromf_spec.claims import claims
from neuromf_spec.law import Law
from neuromf_spec.registry import laws
from neuromf_spec.sources import UNPINNED, documents, passages
from neuromf_spec.waivers import Waiver, shipped_waivers

from neuromf.config.load import load_config
from neuromf.config.recipe_files import recipe_names
from neuromf.gate.enforcement import EnforcementPlace, enforcers, places
from neuromf.gate.static import static_findings
from tools.laws.matrix import matrix

MATRIX = "spec/MATRIX.md"


def problems(root: Path, today: datetime.date) -> list[str]:
    """What is wrong with the laws of the checkout at `root`, one sentence each."""
    found = places(root)
    return [
        *enforcer_problems(laws().values(), found),
        *predicate_problems(laws().values()),
        *source_problems(laws().values(), root),
        *claim_problems(root),
        *waiver_problems(shipped_waivers(), today),
        *matrix_problems((root / MATRIX).read_text(encoding="utf-8") if (root / MATRIX).exists() else "", found),
    ]


def enforcer_problems(registry: Iterable[Law], found: list[EnforcementPlace]) -> Iterator[str]:
    """An enforcer that a law names and nobody is, and one that nobody named."""
    present, known = enforcers(found), {law.id: law for law in registry}
    for law in known.values():
        if not law.enforcers:
            yield f"{law.id} has no enforcer"
        for enforcer in sorted(law.enforcers - present.get(law.id, frozenset())):
            yield f"{law.id} names enforcer {enforcer.value}, and nothing enforces it there"
        for enforcer in sorted(present.get(law.id, frozenset()) - law.enforcers):
            yield f"{law.id} is enforced by {enforcer.value} and does not name it"
    for place in found:
        if place.law_id not in known:
            yield f"{place.file}, {place.name}: enforces {place.law_id}, which is no law"


def predicate_problems(registry: Iterable[Law]) -> Iterator[str]:
    """A law whose predicate cannot fail, or cannot pass."""
    for law in registry:
        if law.predicate(**law.counterexample).passed:
            yield f"{law.id}: its counterexample passes"
        if not law.predicate(**law.example).passed:
            yield f"{law.id}: its example fails"


def source_problems(registry: Iterable[Law], root: Path) -> Iterator[str]:
    """A source that is not pinned, has changed, or is cited by nobody; a measurement whose test is gone."""
    pinned = passages()
    cited = {(source.reference, source.place) for law in registry for source in law.sources}
    for reference, place in sorted(cited):
        if reference == UNPINNED:
            if not (root / place).is_file():
                yield f"{place}: cited as a measurement, and not there"
        elif (reference, place) not in pinned:
            yield f"{reference}, {place}: cited by a law and not pinned in spec/neuromf_spec/sources.toml"
    for key, passage in pinned.items():
        if key not in cited:
            yield f"{passage.reference}, {passage.place}: pinned and cited by no law"
        if not passage.intact:
            yield f"{passage.reference}, {passage.place}: the text has another hash than the one that was pinned"
        if passage.reference not in documents():
            yield f"{passage.reference}: no such document in spec/neuromf_spec/sources.toml"


def claim_problems(root: Path) -> Iterator[str]:
    """A claim whose test or law is not there."""
    for claim in claims():
        file, _, name = claim.test.partition("::")
        path = root / file
        functions = _functions(path) if path.is_file() else set()
        if name not in functions:
            yield f"{claim.id}: its test {claim.test} is not there"
        for law_id in claim.laws:
            if law_id not in laws():
                yield f"{claim.id} names {law_id}, which is no law"


def waiver_problems(waivers: Iterable[Waiver], today: datetime.date) -> Iterator[str]:
    """A waiver that has expired, names nothing, or is no longer needed."""
    for waiver in waivers:
        name = f"waiver of {waiver.law} for {waiver.config} ({waiver.owner})"
        if waiver.law not in laws():
            yield f"{name}: no such law"
        elif waiver.config not in recipe_names():
            yield f"{name}: no such recipe"
        elif waiver.expired(today):
            yield f"{name}: expired on {waiver.expires}"
        elif not _breaks(waiver):
            yield f"{name}: the law passes again; remove the waiver"


def matrix_problems(text: str, found: list[EnforcementPlace]) -> Iterator[str]:
    """A matrix that is not the one that would be written now."""
    if text != matrix(found):
        yield f"{MATRIX} is stale; write it with `python -m tools laws matrix --write`"


def _breaks(waiver: Waiver) -> bool:
    results = static_findings(load_config([waiver.config]), {})
    return any(result.law_id == waiver.law and result.status in ("warn", "policy", "block") for result in results)


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
