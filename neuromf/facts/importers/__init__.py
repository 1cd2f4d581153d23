"""Facts from other codes' configurations: one module a code, each of which names what it did not understand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neuromf.errors import InputError
from neuromf.facts.read import FactsFile, read_facts

IMPORTERS: dict[str, Callable[[Path], FactsFile]] = {"facts": read_facts}
"""Readers by the name that `--importer` takes."""
AUTO = "auto"


def import_facts(path: Path, importer: str = AUTO) -> FactsFile:
    """Read `path` as the named code writes it, or as the code that it looks like.

    Raises:
        InputError: no importer has that name, or the file is not of its form.
    """
    if importer != AUTO and importer not in IMPORTERS:
        known = ", ".join((AUTO, *IMPORTERS))
        raise InputError(f"{importer!r} is no importer", remedy=f"give one of {known}", key="--importer")
    return IMPORTERS["facts" if importer == AUTO else importer](path)
