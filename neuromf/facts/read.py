"""Facts from a file: written down by hand, or as an importer finds them in another code's configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from neuromf.config.yaml_file import read_yaml_mapping
from neuromf.errors import InputError
from neuromf.facts.schema import NONE_IS_KNOWN, Facts

SHOWN = 60
"""Characters of a value that an error shows."""


@dataclass(frozen=True, kw_only=True)
class FactsFile:
    """What is known of a run, and what of its file was not understood.

    Attributes:
        name: what the user called it.
        facts: the run's facts.
        origin: where each fact was read, by its name: a key of the file, or a default of that code.
        not_understood: keys of the file that no fact was made from, with the reason where there is one.
        notes: what else a reader should know, a sentence each.
    """

    name: str
    facts: Facts
    origin: dict[str, str]
    not_understood: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def under(self, path: Path, tree: Mapping[str, object]) -> FactsFile:
        """The same run, of which more is known by a file of facts that is laid over what was known."""
        facts = checked_facts({**self.facts.model_dump(exclude_unset=True), **tree}, path)
        origin = {**self.origin, **dict.fromkeys(tree, str(path))}
        name = f"{self.name} + {path}"
        return FactsFile(name=name, facts=facts, origin=origin, not_understood=self.not_understood, notes=self.notes)


def read_facts(path: Path) -> FactsFile:
    """Read a file of facts: flat YAML, a key a fact.

    Raises:
        InputError: the file is not there, not YAML, or a key is no fact or out of its range.
    """
    return facts_of_trees([(path, read_yaml_mapping(path))])


def facts_of_trees(layers: Sequence[tuple[Path, Mapping[str, object]]]) -> FactsFile:
    """Facts of mappings that were read already, later ones over earlier ones.

    Raises:
        InputError: there is no fact in them, or a key is no fact or out of its range.
    """
    (path, tree), *more = layers
    found = FactsFile(name=str(path), facts=checked_facts(tree, path), origin=dict.fromkeys(tree, str(path)))
    for layer in more:
        found = found.under(*layer)
    if not found.origin:
        raise InputError("holds no fact", remedy=f"give some of {', '.join(Facts.model_fields)}", file=path)
    return found


def checked_facts(tree: Mapping[str, object], path: Path, keys: Mapping[str, str] | None = None) -> Facts:
    """Check a mapping against the schema of facts.

    Args:
        tree: values by the name of the fact.
        path: named in the error.
        keys: what the file calls a fact, where that is another name.

    Raises:
        InputError: a key is no fact, or its value is not of the type or range of the fact.
    """
    try:
        facts = Facts.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        first = error.errors()[0]
        raise _refused(str(first["loc"][0]), first["input"], first["msg"], path, keys or {}) from error
    except (TypeError, ValueError) as error:
        raise InputError(f"holds a value that is no number or word ({error})", remedy="quote it", file=path) from error
    for key, value in tree.items():
        if value is None and key not in NONE_IS_KNOWN:
            remedy = "leave the key out where it is not known"
            raise InputError("null says nothing here", remedy=remedy, file=path, key=(keys or {}).get(key, key))
    return facts


def _refused(fact: str, value: object, why: str, path: Path, keys: Mapping[str, str]) -> InputError:
    """The error of a value that the schema does not take."""
    if fact not in Facts.model_fields:
        remedy = f"use the facts that are known: {', '.join(Facts.model_fields)}"
        return InputError("is no fact", remedy=remedy, file=path, key=fact)
    text = repr(value)
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    remedy = f"give {Facts.model_fields[fact].description}"
    return InputError(f"{shown} is refused ({why})", remedy=remedy, file=path, key=keys.get(fact, fact))
