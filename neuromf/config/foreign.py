"""Tells configurations of neuromf from other YAML files, of which a repository holds many."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from neuromf.config.recipe_files import is_recipe
from neuromf.config.schema import Config
from neuromf.config.yaml_file import compose_yaml
from neuromf.errors import InputError

KEYS = ("extends", *Config.model_fields)
"""Top-level keys of which a configuration has at least one; `about` and `sources` are words of many a file."""
_LINE = re.compile(rf"""^["']?({"|".join(KEYS)})(\.[\w.]+)?["']?\s*:(\s|$)""", re.MULTILINE)


def is_ours(layer: str) -> bool:
    """Whether a file has a key of ours at its top level.

    Args:
        layer: a path or the name of a recipe. What is no file counts as ours, so that reading it tells what is wrong;
            so does a file with a fault, where one of its lines begins with such a key.
    """
    if is_recipe(layer) or not Path(layer).is_file():
        return True
    try:
        text = Path(layer).read_text(encoding="utf-8", errors="replace")
        node = compose_yaml(text, file=layer)
    except OSError:
        return True
    except InputError:
        return _LINE.search(text) is not None
    keys = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    return any(str(key).partition(".")[0] in KEYS for key in keys)
