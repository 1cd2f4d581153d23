"""Facts from the YAML of the public code, MarioPasc/neuromf at 5506f8a: its layers, and what its code adds to them."""

from __future__ import annotations

from collections.abc import Sequence

from neuromf.config.yaml_file import read_yaml_mapping
from neuromf.errors import InputError
from neuromf.facts.importers.layers import merged_layers, refers_to_keys
from neuromf.facts.importers.public_code_facts import PARTS
from neuromf.facts.importers.public_code_keys import FIXED, IRRELEVANT, OFF, SIGNATURE, code
from neuromf.facts.importers.read_file import ReadFile
from neuromf.facts.importers.reading import Collected, Keys
from neuromf.facts.read import FactsFile


def fits(document: ReadFile) -> bool:
    """Whether a file has a key that this code alone has."""
    tree = document.tree or {}
    sections = {name: value for name, value in tree.items() if isinstance(value, dict)}
    return any(key in sections.get(section, {}) for section, key in SIGNATURE)


def read(documents: Sequence[ReadFile]) -> FactsFile:
    """Facts of one or several files, in the order in which that code's `--config` takes them.

    Raises:
        InputError: a file is no YAML mapping, or holds a value that the code does not take.
    """
    path, name = documents[0].path, " + ".join(str(document.path) for document in documents)
    found = Collected()
    values, unresolved = merged_layers(_layers(documents, found), path)
    keys = Keys(path, values)
    for origin, facts in FIXED:
        found.put(code(origin), **facts)
    for part in PARTS:
        part(keys, found)
    keys.used.add("training.max_epochs")
    for key, text in unresolved.items():
        if key in keys.used or not (_irrelevant(key) and refers_to_keys(text, values, unresolved)):
            found.not_understood.append(f"{key}: {text} is not resolved, for nothing outside of the files is read")
    off = {key for key, value in OFF.items() if values.get(key, value) == value}
    if not values.get("training.augmentation.enabled"):
        off.add("training.augmentation.")
    found.not_understood += [key for key in keys.left((*IRRELEVANT, *off)) if key not in unresolved]
    found.notes.append(
        "How many updates training.max_epochs is depends on the number of scans, which no file says: "
        "lay a file of facts with optimiser_steps over it."
    )
    return found.file(path, name)


def _irrelevant(key: str) -> bool:
    return any(key == name or (name[-1] == "." and key.startswith(name)) for name in IRRELEVANT)


def _layers(documents: Sequence[ReadFile], found: Collected) -> list[dict[str, object]]:
    """Trees from the lowest layer on: base.yaml beside the first file, the main configuration, then the files."""
    for document in documents:
        if document.tree is None:
            raise document.problem or InputError(
                "is no mapping of sections", remedy="give that code's YAML", file=document.path
            )
    first = documents[0].path
    below = []
    if (base := first.parent / "base.yaml").is_file() and first.name != base.name:
        below.append(base)
    mains = (folder / "configs" / "train_meanflow.yaml" for folder in first.resolve().parents)
    main = next((path for path in mains if path.is_file()), None)
    if main is not None and main != first.resolve():
        below.append(main)
    names = ", ".join(map(str, (*below, *(document.path for document in documents))))
    found.notes.append(f"Merged as train.py of MarioPasc/neuromf@5506f8a merges, later over earlier: {names}.")
    return [*map(read_yaml_mapping, below), *(dict(document.tree or {}) for document in documents)]
