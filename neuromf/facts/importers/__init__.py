"""Facts from other codes' configurations: one module a code, each of which names what it did not understand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.facts.importers import meanflow_jax, public_code, py_meanflow
from neuromf.facts.importers.read_file import ReadFile
from neuromf.facts.read import FactsFile, facts_of_trees
from neuromf.facts.schema import Facts


@dataclass(frozen=True)
class Importer:
    """How the files of one code are read.

    Attributes:
        fits: whether a file looks like one of that code's.
        read: its facts, of one or several files in the order in which that code takes them.
    """

    fits: Callable[[ReadFile], bool]
    read: Callable[[Sequence[ReadFile]], FactsFile]


def is_facts(document: ReadFile) -> bool:
    """Whether a file is one of facts: flat, with a fact among its keys, and as JSON with nothing else."""
    tree = document.tree or {}
    if any(isinstance(value, dict) for value in tree.values()):
        return False
    return (all if document.is_json else any)(key in Facts.model_fields for key in tree) and bool(tree)


def _read_facts(documents: Sequence[ReadFile]) -> FactsFile:
    for document in documents:
        if document.problem is not None:
            raise document.problem
        if document.tree is None:
            raise InputError("holds no fact", remedy="write a mapping, a fact a line", file=document.path)
    return facts_of_trees([(document.path, document.tree or {}) for document in documents])


IMPORTERS = {
    "facts": Importer(is_facts, _read_facts),
    "public-code": Importer(public_code.fits, public_code.read),
    "py-meanflow": Importer(py_meanflow.fits, py_meanflow.read),
    "meanflow-jax": Importer(meanflow_jax.fits, meanflow_jax.read),
}
"""Readers by the name that `--importer` takes."""
AUTO = "auto"


def import_facts(paths: Path | Sequence[Path], importer: str = AUTO) -> FactsFile:
    """Read files as the named code writes them, or as the code that they look like.

    Args:
        paths: files of one code in the order in which it merges them; files of facts among them are laid over the rest.
        importer: whose files they are, or `auto`.

    Raises:
        InputError: no importer has that name, or a file is of no form or of several.
    """
    if importer != AUTO and importer not in IMPORTERS:
        known = ", ".join((AUTO, *IMPORTERS))
        raise InputError(f"{importer!r} is no importer", remedy=f"give one of {known}", key="--importer")
    documents = [ReadFile.of(path) for path in ([paths] if isinstance(paths, Path) else paths)]
    if importer == "facts" or (importer == AUTO and all(_forms(document) == ["facts"] for document in documents)):
        return _read_facts(documents)
    over = [document for document in documents if len(documents) > 1 and _forms(document) == ["facts"]]
    own = [document for document in documents if document not in over]
    found = IMPORTERS[_detected(own) if importer == AUTO else importer].read(own or documents)
    for document in over if own else []:
        found = found.under(document.path, document.tree or {})
    return found


def _forms(document: ReadFile) -> list[str]:
    return [name for name, importer in IMPORTERS.items() if importer.fits(document)]


def _detected(documents: Sequence[ReadFile]) -> str:
    """The one importer that some of the files are of, and the others of none besides."""
    names = {name for document in documents for name in _forms(document)}
    if len(names) == 1:
        return names.pop()
    document = next((document for document in documents if not _forms(document)), documents[0])
    known = ", ".join(IMPORTERS)
    if names:
        problem = f"fits {' and '.join(sorted(names))}"
        raise InputError(problem, remedy=f"say with --importer which of {known} it is", file=documents[0].path)
    if document.problem is not None and document.path.suffix in (".yaml", ".yml", ".json"):
        raise document.problem
    if document.tree and set(document.tree) <= {"extends", *Config.model_fields}:
        problem, remedy = "looks like a configuration of neuromf itself", "give it to `neuromf gate` without --facts"
        raise InputError(problem, remedy=f"{remedy}, or say with --importer which of {known} it is", file=document.path)
    raise InputError(
        f"fits none of {known}", remedy="write a file of facts, or say with --importer whose it is", file=document.path
    )
