"""A public code from the checkout of a user, in a folder `OWNER/NAME` below the one that NEUROMF_FOREIGN names."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from neuromf.errors import InputError

VARIABLE = "NEUROMF_FOREIGN"


def foreign_folder() -> Path:
    """The folder of checkouts.

    Raises:
        InputError: the variable is not set, or names no folder.
    """
    named = os.environ.get(VARIABLE, "")
    if not named or not Path(named).is_dir():
        remedy = "name the folder that holds the checkouts, each as OWNER/NAME"
        raise InputError("names no folder", remedy=remedy, key=VARIABLE)
    return Path(named).resolve()


def checkout(repository: str) -> Path:
    """The checkout of a repository.

    Args:
        repository: `OWNER/NAME`.

    Raises:
        InputError: it is not there.
    """
    folder = foreign_folder() / repository
    if not folder.is_dir():
        remedy = f"git clone https://github.com/{repository} {folder}"
        raise InputError("is no checkout", remedy=remedy, file=folder)
    return folder


def commit_of(folder: Path) -> str:
    """The commit of a checkout, twelve digits, with a `+` where a module of it was changed since."""

    def git(*arguments: str) -> str:
        found = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
        return found.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "*.py")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("+" if changed else "")


def imported(folder: Path, names: Sequence[str], absent: Mapping[str, Mapping[str, object]]) -> SimpleNamespace:
    """Modules of a code, under the last part of their names.

    Args:
        folder: that the code puts on its path.
        names: dotted names of modules.
        absent: library that is not installed, or is not needed -> what stands in for its names.
    """
    for name, values in absent.items():
        sys.modules[name] = _module(name, values)
    # Only while it is imported: a code's folder has names such as `utils` that others have too.
    sys.path.insert(0, str(folder))
    try:
        found = {name.rpartition(".")[2]: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(folder))
    return SimpleNamespace(**found)


def _module(name: str, values: Mapping[str, object]) -> ModuleType:
    made = ModuleType(name)
    made.__path__ = []
    vars(made).update(values)
    return made


def functions(file: Path, names: Sequence[str], given: Mapping[str, object]) -> SimpleNamespace:
    """Functions of a script that cannot be imported, nested ones too.

    Args:
        file: the script.
        names: of the functions.
        given: what they refer to outside of them.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    wanted: list[ast.stmt] = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in names
    ]
    scope: dict[str, Any] = dict(given)
    # It is the user's own checkout that is run, as it would be by an import.
    exec(compile(ast.Module(wanted, type_ignores=[]), str(file), "exec"), scope)
    return SimpleNamespace(**{name: scope[name] for name in names})
