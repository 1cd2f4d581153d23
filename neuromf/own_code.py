"""Code of the user's own, found by its import path: called, and known by what its source says."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuromf.errors import InputError
from neuromf.source_code import source_hash


@dataclass(frozen=True)
class OwnCode:
    """What a run keeps of the code that built something for it.

    Attributes:
        name: `package.module:callable`.
        file: where the callable's source lies; empty where it has none.
        sha256: of what the sources say, that of the callable and those of the classes that it used beside it.
    """

    name: str
    file: str
    sha256: str


def load_callable(name: str, key: str) -> Callable[..., Any]:
    """Import a callable, from what is installed or else from the current folder.

    Args:
        name: `package.module:callable`.
        key: configuration key that names it.

    Raises:
        InputError: it is not there, cannot be imported or called.
    """
    module_name, _, path = name.partition(":")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)  # last, so that no folder of the user's stands in for a library
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        problem = f"{module_name} cannot be imported ({told(error)})"
        remedy = f"install it, or run in the folder that holds it, which {here} is not, and mend what it says"
        raise InputError(problem, remedy=remedy, key=key) from error
    for part in path.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        problem = f"{module_name} has no callable {path}"
        raise InputError(problem, remedy="name a function or a class of it", file=_file(module_name), key=key)
    code: Callable[..., Any] = found
    return code


def call(name: str, key: str, *given: object, options: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """What a callable makes of its arguments.

    Raises:
        InputError: it is not there, or raises.
    """
    function = load_callable(name, key)
    try:
        return function(*given, **options)
    except (Exception, SystemExit) as error:
        problem = f"{name} raises {told(error)}"
        remedy = f"see docs/how-to/own-network.md for how it is called; the options are those of {key}_options"
        raise InputError(problem, remedy=remedy, file=_file(name.partition(":")[0]), key=key) from error


def told(error: BaseException) -> str:
    """An error's type and first line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def own_code(name: str, key: str, classes: Iterable[type] = ()) -> OwnCode:
    """What is known of a callable's source, and of those classes' that stand in the same package.

    Args:
        name: `package.module:callable`.
        key: configuration key that names it.
        classes: of what it built.
    """
    function = load_callable(name, key)
    package = name.partition(":")[0].partition(".")[0]
    modules = {str(getattr(thing, "__module__", "")) for thing in (function, *classes)} | {name.partition(":")[0]}
    own = sorted(module for module in modules if module.partition(".")[0] == package)
    sources = [source for module in own if (source := _source(module))]
    return OwnCode(name, _file(name.partition(":")[0]) or "", source_hash("\n".join(sources)))


def _source(module: str) -> str:
    try:
        return inspect.getsource(sys.modules[module])
    except (OSError, TypeError, KeyError):
        return ""


def _file(module: str) -> str | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return None if file is None else str(Path(file).absolute())
