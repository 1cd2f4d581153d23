"""What is laid over the defaults: recipes, files and what they extend, each with the name it has in a message."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuromf.config.recipes import read_recipe, recipe_names
from neuromf.config.yaml_file import read_yaml_mapping
from neuromf.errors import InputError

RECIPE_METADATA = ("about", "extends", "sources")
"""Top-level keys of a recipe or file that describe it and are not settings."""


@dataclass(frozen=True)
class Layer:
    """Settings from one place.

    Attributes:
        tree: nested mappings.
        name: what a message calls the place.
        recipe: the recipe's name, empty for a file.
    """

    tree: dict[str, Any]
    name: str
    recipe: str = ""


def expand(layer: str | Path, *, anchored: bool = True) -> list[Layer]:
    """A recipe, or a file with what it extends beneath it, lowest first.

    Args:
        layer: name of a shipped recipe, or path of a YAML file.
        anchored: whether relative paths in a file count from that file; not so in the record of a run.

    Raises:
        InputError: it is neither, cannot be read, or extends itself.
    """
    if str(layer) in recipe_names():
        return [Layer(read_recipe(str(layer)), f"recipe {layer}", str(layer))]
    path = Path(layer)
    if not path.is_file():
        raise InputError(f"'{layer}' is neither a recipe nor a file", remedy=_hint(str(layer)))
    return _expand_file(path, (), anchored)


def _expand_file(path: Path, above: tuple[Path, ...], anchored: bool) -> list[Layer]:
    if path.resolve() in (other.resolve() for other in above):
        circle = " -> ".join(str(other) for other in (*above, path))
        raise InputError(f"the files extend each other ({circle})", remedy="break the circle", file=path, key="extends")
    tree = sections(read_yaml_mapping(path), path)
    base = tree.pop("extends", None)
    for key in RECIPE_METADATA:
        tree.pop(key, None)
    if anchored:
        _anchor(tree, path.parent)
    own = Layer(tree, str(path))
    if base is None:
        return [own]
    if not isinstance(base, str):
        raise InputError(f"{base!r} is no name", remedy="name one recipe or file", file=path, key="extends")
    if base in recipe_names():
        return [*expand(base), own]
    beneath = path.parent / base
    if not beneath.is_file():
        problem = f"'{base}' is neither a recipe nor a file beside this one"
        raise InputError(problem, remedy=_hint(base), file=path, key="extends")
    return [*_expand_file(beneath, (*above, path), anchored), own]


def sections(tree: dict[str, Any], file: Path) -> dict[str, Any]:
    """Sections from dotted keys at the top level, as the resolved text has them.

    Raises:
        InputError: a key is given twice, with a dot and as a section.
    """
    nested: dict[str, Any] = {}
    for key, value in tree.items():
        section, dot, rest = key.partition(".")
        if section in nested and (not dot or not isinstance(nested[section], dict) or rest in nested[section]):
            raise InputError(
                "is given twice, with a dot and as a section", remedy="keep one of the two", file=file, key=key
            )
        merge(nested, {section: {rest: value}} if dot else {key: value}, "", {})
    return nested


def merge(base: dict[str, Any], layer: dict[str, Any], source: str, origin: dict[str, str], prefix: str = "") -> None:
    """Lay `layer` over `base`, in place; `origin` notes the source of each dotted path."""
    for key, value in layer.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and isinstance(base.get(key, {}), dict):
            base.setdefault(key, {})
            merge(base[key], value, source, origin, f"{path}.")
        else:
            base[key] = value
        origin[path] = source


def _anchor(tree: dict[str, Any], folder: Path) -> None:
    """Paths in a file count from it: the folder of scans always, the autoencoder's weights where they lie beside it."""
    data, vae = tree.get("data"), tree.get("vae")
    if isinstance(data, dict) and isinstance(data.get("root"), str):
        data["root"] = os.path.abspath(folder / data["root"])
    if isinstance(vae, dict) and isinstance(vae.get("checkpoint"), str):
        beside = folder / vae["checkpoint"]
        if vae["checkpoint"] != "demo" and beside.is_file():
            vae["checkpoint"] = os.path.abspath(beside)


def _hint(name: str) -> str:
    near = difflib.get_close_matches(name, recipe_names(), n=1)
    return f"did you mean '{near[0]}'" if near else f"name a YAML file or one of {', '.join(recipe_names())}"
