"""An adapter from a file: found, made, and checked for what it must have."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuromf_spec.conformance.declaration import Declaration
from neuromf_spec.conformance.suite import judged_facts, judged_laws

from neuromf.conform.subject import FUNCTIONS, LIBRARIES, BridgedSubject
from neuromf.errors import InputError
from neuromf.own_code import told

MODULE = "neuromf_adapter"


@dataclass(frozen=True)
class LoadedAdapter:
    """An adapter that was found.

    Attributes:
        file: it lies in.
        class_name: within the file.
        make: makes one.
    """

    file: Path
    class_name: str
    make: Callable[[], Any]

    @property
    def name(self) -> str:
        """What the code is called in a report: as it declares, else as its file is named."""
        return str(self.make().declares.name) or self.file.stem

    def subject(self) -> BridgedSubject:
        """A new one, as the suite asks it."""
        return BridgedSubject(self.make())


def load_adapter(target: str) -> LoadedAdapter:
    """Import the file of an adapter and find its class.

    Args:
        target: `file.py` or `file.py:Class`; without a class the only one of the file that has `declares`.

    Raises:
        InputError: there is no such file or class, it cannot be imported, or lacks what an adapter must have.
    """
    name, _, class_name = target.rpartition(":") if not target.endswith(".py") else (target, "", "")
    file = Path(name)
    if not file.is_file():
        raise InputError("is no file", remedy="give an adapter as file.py or file.py:Class", file=file)
    module = _imported(file)
    found = _class_of(module, file, class_name)
    _check(found, file)
    return LoadedAdapter(file, found.__name__, found)


def _imported(file: Path) -> Any:  # noqa: ANN401
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # last: what an adapter imports beside it stands in for no library
    spec = importlib.util.spec_from_file_location(f"{MODULE}_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise InputError(f"cannot be imported ({told(error)})", remedy="mend what it says", file=file) from error
    return module


def _class_of(module: Any, file: Path, class_name: str) -> Any:  # noqa: ANN401
    own = [value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == module.__name__]
    adapters = {value.__name__: value for value in own if hasattr(value, "declares")}
    if class_name:
        if class_name not in adapters:
            problem = f"has no adapter {class_name}"
            raise InputError(problem, remedy="name a class of it that has `declares`", file=file)
        return adapters[class_name]
    if len(adapters) != 1:
        problem = f"has {len(adapters)} classes with `declares`"
        raise InputError(problem, remedy="name one, as in file.py:Class", file=file)
    return next(iter(adapters.values()))


def _check(found: Any, file: Path) -> None:  # noqa: ANN401
    if not isinstance(found.declares, Declaration):
        remedy = "make it a neuromf.conform.Declaration"
        raise InputError("is no Declaration", remedy=remedy, file=file, key=f"{found.__name__}.declares")
    unknown = [key for key in found.declares.deviations if key not in (*judged_laws(), *judged_facts())]
    if unknown:
        problem = f"{unknown[0]!r} is neither a law nor a fact that the suite judges"
        remedy = f"give one of {', '.join((*judged_laws(), *judged_facts()))}"
        raise InputError(problem, remedy=remedy, file=file, key=f"{found.__name__}.declares.deviations")
    if getattr(found, "library", None) not in LIBRARIES:
        remedy = f"write library = {LIBRARIES[0]!r} or {LIBRARIES[1]!r}"
        raise InputError("names no library", remedy=remedy, file=file, key=f"{found.__name__}.library")
    if not any(callable(getattr(found, name, None)) for name in FUNCTIONS):
        remedy = f"give it one of {', '.join(FUNCTIONS)}"
        raise InputError("has no function to judge", remedy=remedy, file=file, key=found.__name__)
    try:
        found()
    except Exception as error:
        problem = f"cannot be made without arguments ({told(error)})"
        raise InputError(problem, remedy="let it take none", file=file, key=found.__name__) from error
