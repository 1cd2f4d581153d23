"""The shipped recipes: small deltas on the defaults, each value marked with where it comes from."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from importlib import resources
from typing import Any

from neuromf.config.yaml_file import parse_yaml

FOLDER = "neuromf.config.recipes"
"""The package that holds them."""
ALIASES = {"corrected": "phase4c"}
"""Further names of shipped recipes, and the recipe that each stands for."""


def canonical_name(name: str) -> str:
    """The recipe that an alias stands for; any other name as it is."""
    return ALIASES.get(name, name)


def is_recipe(name: str) -> bool:
    """Whether a shipped recipe has this name or alias."""
    return canonical_name(name) in recipe_names()


def known_names() -> tuple[str, ...]:
    """Names and aliases of the shipped recipes, sorted."""
    return tuple(sorted((*recipe_names(), *ALIASES)))


@cache
def recipe_names() -> tuple[str, ...]:
    """Names of the shipped recipes, sorted, without aliases."""
    return tuple(
        sorted(f.name.removesuffix(".yaml") for f in resources.files(FOLDER).iterdir() if f.name.endswith(".yaml"))
    )


def read_document(name: str) -> dict[str, Any]:
    """The whole YAML document of recipe `name`, with its description and the sources of its values; a copy."""
    return deepcopy(_parsed(name))


@cache
def _parsed(name: str) -> dict[str, Any]:
    text = resources.files(FOLDER).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return dict(parse_yaml(text, file=f"recipe {name}") or {})


def read_recipe(name: str) -> dict[str, Any]:
    """The settings of recipe `name`, with those of the recipe it extends beneath."""
    document = read_document(name)
    base = document.pop("extends", None)
    settings = {key: value for key, value in document.items() if key not in ("about", "sources")}
    if base is None:
        return settings
    tree = read_recipe(base)
    for section, values in settings.items():
        tree[section] = {**tree.get(section, {}), **values}
    return tree


def recipe_sources(name: str) -> dict[str, str]:
    """Where each value of recipe `name` comes from, by dotted path; the recipe it extends included."""
    document = read_document(name)
    inherited = recipe_sources(document["extends"]) if "extends" in document else {}
    return {**inherited, **document.get("sources", {})}
