"""The shipped recipes' own goldens: every resolved key and every parameter, as text."""

from __future__ import annotations

import hashlib
from pathlib import Path

from neuromf.checkout import golden_folder
from neuromf.config.load import load_config
from neuromf.config.recipe_files import recipe_names
from neuromf.errors import InputError
from neuromf.golden.contract import contract_problems
from tools.golden.store import only_blessing, write_contract

FOLDER = golden_folder() / "recipes"


def recipe_problems(name: str, root: Path = FOLDER) -> list[str]:
    """Lines of a recipe's configuration and parameters that are not its golden's, or are missing from it."""
    return contract_problems(root / name, load_config([name]))


def bless_recipe(name: str, root: Path = FOLDER) -> str:
    """Make today's configuration and parameters of a recipe the golden ones; return the digest of both.

    Raises:
        InputError: there is no such recipe, or another blessing writes it.
    """
    if name not in recipe_names():
        raise InputError(f"'{name}' is no recipe", remedy=f"use one of {', '.join(recipe_names())}")
    (root / name).mkdir(parents=True, exist_ok=True)
    with only_blessing(root / name):
        write_contract(root / name, load_config([name]))
        return recipe_digest(root / name)


def recipe_digest(folder: Path) -> str:
    """SHA-256 of configuration and parameters, one after the other."""
    return hashlib.sha256((folder / "config.txt").read_bytes() + (folder / "params.txt").read_bytes()).hexdigest()
