"""Facts from a file: written down by hand, or as an importer finds them in another code's configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from neuromf.config.yaml_file import read_yaml_mapping
from neuromf.errors import InputError
from neuromf.facts.schema import Facts


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


def read_facts(path: Path) -> FactsFile:
    """Read a file of facts: flat YAML, a key a fact.

    Raises:
        InputError: the file is not there, not YAML, or a key is no fact or out of its range.
    """
    tree = read_yaml_mapping(path)
    facts = checked_facts(tree, path)
    return FactsFile(name=str(path), facts=facts, origin=dict.fromkeys(tree, str(path)))


def checked_facts(tree: dict[str, object], path: Path) -> Facts:
    """Check a mapping against the schema of facts.

    Raises:
        InputError: a key is no fact, or its value is not of the type or range of the fact.
    """
    try:
        return Facts.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            remedy = f"use the facts that are known: {', '.join(Facts.model_fields)}"
            raise InputError("is no fact", remedy=remedy, file=path, key=key) from error
        described = Facts.model_fields[key].description if key in Facts.model_fields else ""
        raise InputError(
            f"{first['input']!r} is refused ({first['msg']})", remedy=f"give {described}", file=path, key=key
        ) from error
    except (TypeError, ValueError) as error:
        raise InputError(f"holds a value that is no number or word ({error})", remedy="quote it", file=path) from error
