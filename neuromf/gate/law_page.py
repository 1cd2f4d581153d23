"""Everything about one law as text, for `neuromf laws show`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files

from neuromf_spec.claims import claims
from neuromf_spec.law import Law, Source
from neuromf_spec.sources import UNPINNED, documents, passages

from neuromf.gate.enforcement import EnforcementPlace
from neuromf.gate.result import format_value


def describe(law: Law, found: list[EnforcementPlace]) -> str:
    """A page on one law: statement, equation, sources, enforcers, examples, last measured value.

    Args:
        law: the law.
        found: places of the checkout that enforce laws; empty where only the package is installed.
    """
    return "\n".join(_lines(law, [place for place in found if place.law_id == law.id])) + "\n"


def _lines(law: Law, found: list[EnforcementPlace]) -> Iterator[str]:
    yield f"{law.id}  {law.title}  ({law.severity.value}, {law.basis.value})"
    yield law.statement
    yield f"    {law.equation}"
    yield ""
    yield "sources"
    for source in law.sources:
        yield from (f"  {line}" for line in _source(source))
    yield "enforced by"
    if not found:
        yield f"  {', '.join(sorted(law.enforcers))} (the places are in a source checkout)"
    for place in found:
        yield f"  {place.enforcer.value}  {place.file}  {place.name}"
    yield f"holds for  {_arguments(law.example)}"
    yield f"broken by  {_arguments(law.counterexample)}"
    yield f"remedy     {law.remedy}"
    if law.kills:
        yield f"kills      {', '.join(law.kills)}"
    named = [claim.id for claim in claims() if law.id in claim.laws]
    if named:
        yield f"claims     {', '.join(named)}"
    yield f"measured   {_measured(law.id)}"


def _source(source: Source) -> Iterator[str]:
    yield str(source)
    passage = passages().get((source.reference, source.place))
    if source.reference == UNPINNED or passage is None:
        return
    yield f"  {documents()[source.reference].title}"
    yield f"  {passage.kind}: {passage.text}"
    where = f"{passage.path}:{passage.lines} at {passage.commit[:7]}, " if passage.path else ""
    yield f"  {where}sha256 {passage.sha256[:12]}, {passage.confirmed}"


def _arguments(arguments: object) -> str:
    assert isinstance(arguments, dict)
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _measured(law_id: str) -> str:
    document = json.loads(files("neuromf_spec").joinpath("measured.json").read_text(encoding="utf-8"))
    entry = document["laws"].get(law_id)
    if entry is None:
        return "no number: the law is judged in words, or while a training runs"
    value = f"{format_value(entry['value'])} {entry['unit']}".strip()
    return f"{value}, bound {entry['bound']}, by {entry['test']} ({document['date']}, {document['machine']})"
