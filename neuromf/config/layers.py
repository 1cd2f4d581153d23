"""The files and recipes that a configuration is made of: each layer, and what it extends."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuromf.config.recipe_files import canonical_name, is_recipe, known_names, read_recipe
from neuromf.config.resolve import flatten, unflatten
from neuromf.config.yaml_file import read_yaml_mapping
from neuromf.errors import InputError

RECIPE_METADATA = ("about", "extends", "sources")
"""Top-level keys of a recipe or file that describe it and are not settings."""
ANCHORED = (("data", "root"), ("training", "init_from"))
"""Section and name of keys whose relative paths count from the file they stand in, or from the current folder."""
LONGEST_CHAIN = 16
"""Files of which each extends the next."""


@dataclass(frozen=True)
class Layer:
    """One recipe or file.

    Attributes:
        settings: what it says itself, as nested mappings; of a recipe, with the recipes that it extends.
        name: to be given in a message.
        file: where it lies, None for a recipe.
    """

    settings: dict[str, Any]
    name: str
    file: Path | None = None


def layer_chain(layer: str, *, anchored: bool = True) -> list[Layer]:
    """A recipe or file, and before it what it extends: what later ones say wins.

    `extends` names a recipe, or a file by its path from the folder of the file that says so. A name without a folder
    and a suffix is a recipe's.

    Args:
        layer: name of a recipe, or path of a file.
        anchored: whether relative paths in a file count from that file; not so in the record of a run.

    Raises:
        InputError: an unknown recipe, a file that is not there or cannot be read, a file that extends itself.
    """
    if is_recipe(layer):
        return [_recipe(layer)]
    if not os.path.isfile(layer):
        hint = _nearest(layer) or f"name a YAML file or one of {', '.join(known_names())}"
        raise InputError(f"'{layer}' is neither a recipe nor a file", remedy=hint)
    links: list[Layer] = []
    visited: list[Path] = []
    path: Path | None = Path(layer)
    while path is not None:
        _refuse_endless(visited, path)
        visited.append(path)
        settings, base = _read_file(path)
        if anchored:
            _anchor(settings, path.parent)
        links.insert(0, Layer(settings, str(path), path))
        path = None if base is None else _base_file(base, path)
        if path is None and base is not None:
            links.insert(0, _recipe(base))
    return links


def _recipe(name: str) -> Layer:
    recipe = canonical_name(name)
    return Layer(read_recipe(recipe), f"recipe {recipe}")


def _read_file(path: Path) -> tuple[dict[str, Any], Any]:
    """What a file says itself, and what it extends."""
    tree = _nested(read_yaml_mapping(path), path)
    base = tree.get("extends")
    for key in RECIPE_METADATA:
        tree.pop(key, None)
    return tree, base


def _anchor(settings: dict[str, Any], folder: Path) -> None:
    """Paths in a file count from it: scans, the run to start from, and the autoencoder's weights if they lie there."""
    vae = settings.get("vae")
    for section, key in ANCHORED:
        keys = settings.get(section)
        if isinstance(keys, dict) and isinstance(keys.get(key), str):
            keys[key] = os.path.abspath(folder / keys[key])
    if isinstance(vae, dict) and isinstance(vae.get("checkpoint"), str):
        beside = folder / vae["checkpoint"]
        if vae["checkpoint"] != "demo" and os.path.isfile(beside):
            vae["checkpoint"] = os.path.abspath(beside)


def _base_file(base: Any, path: Path) -> Path | None:  # noqa: ANN401
    """The file that `path` extends, None where that is a recipe."""
    if isinstance(base, str) and is_recipe(base):
        return None
    if not isinstance(base, str) or not base or (Path(base).name == base and not Path(base).suffix):
        remedy = (
            _nearest(str(base)) or f"use one of {', '.join(known_names())}, or the path of a file such as ./base.yaml"
        )
        raise InputError(f"'{base}' is no recipe", remedy=remedy, file=path, key="extends")
    if not os.path.isfile(path.parent / base):
        remedy = "give its path from the folder of the file that extends it"
        raise InputError(f"there is no file {path.parent / base}", remedy=remedy, file=path, key="extends")
    return path.parent / base


def _refuse_endless(visited: list[Path], path: Path) -> None:
    names = " extends ".join(str(link) for link in [*visited, path])
    if any(os.path.samefile(path, link) for link in visited):
        raise InputError(
            f"a file extends itself: {names}", remedy="remove one extends", file=visited[-1], key="extends"
        )
    if len(visited) == LONGEST_CHAIN:
        problem = f"more than {LONGEST_CHAIN} files extend each other"
        raise InputError(problem, remedy="join some of them", file=visited[-1], key="extends")


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, known_names(), n=1)
    return f"did you mean '{near[0]}'" if near else ""


def _nested(tree: dict[str, Any], file: Path) -> dict[str, Any]:
    """Sections from dotted keys at the top level, as the resolved text has them."""
    nested: dict[str, Any] = {}
    for key, value in tree.items():
        section, dot, rest = key.partition(".")
        if section in nested and (not dot or not isinstance(nested[section], dict) or _holds(nested[section], rest)):
            raise InputError(
                "is given twice, with a dot and as a section", remedy="keep one of the two", file=file, key=key
            )
        merge(nested, unflatten({key: value}) if dot else {key: value}, "", {})
    return nested


def _holds(section: dict[str, Any], path: str) -> bool:
    """Whether a section says something of a dotted path already, of what is within it or of what it is within."""
    return any(f"{known}.".startswith(f"{path}.") or path.startswith(f"{known}.") for known, _ in flatten(section))


def read_layer(layer: str, *, anchored: bool = True) -> tuple[dict[str, Any], str]:
    """Settings of a recipe or file with all that it extends, and the name to give in a message.

    Raises:
        InputError: as `layer_chain`.
    """
    merged: dict[str, Any] = {}
    links = layer_chain(layer, anchored=anchored)
    for link in links:
        merge(merged, link.settings, link.name, {})
    return merged, links[-1].name


def merge(base: dict[str, Any], layer: dict[str, Any], source: str, origin: dict[str, str], prefix: str = "") -> None:
    """Put the settings of `layer` over those of `base`, in place.

    Args:
        base: nested mappings.
        layer: nested mappings whose values win.
        source: what is noted in `origin` for each dotted path that the layer names.
        origin: the source that had the last word on each dotted path.
        prefix: of the paths.
    """
    for key, value in layer.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and isinstance(base.get(key, {}), dict):
            base.setdefault(key, {})
            merge(base[key], value, source, origin, f"{path}.")
        else:
            base[key] = value
        origin[path] = source
