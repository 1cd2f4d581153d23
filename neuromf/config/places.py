"""Where in the files of a configuration each value is set, line by line, or the nearest place to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neuromf.config.key_lines import key_lines
from neuromf.config.layers import Layer, layer_chain
from neuromf.config.load import parse_override
from neuromf.config.resolve import flatten
from neuromf.errors import InputError


@dataclass(frozen=True)
class FilePlace:
    """A line of a file.

    Attributes:
        file: as it was given; None where no file was.
        line: counted from 1.
        note: a clause on where the value really is from; empty where this line sets it.
    """

    file: Path | None
    line: int = 1
    note: str = ""


@dataclass(frozen=True)
class KeyPlaces:
    """The place of each key of a configuration.

    Attributes:
        top: the first line of the last file that was given.
        values: of each key that a file, a recipe or `--set` gives, by dotted path.
        sections: of each key and section that stands in a file.
    """

    top: FilePlace
    values: Mapping[str, FilePlace]
    sections: Mapping[str, FilePlace]

    def of(self, key: str) -> FilePlace:
        """The place of a key: where it is set, or else its section, or else the top of the file."""
        if key in self.values:
            return self.values[key]
        place = next((self.sections[path] for path in _upwards(key) if path in self.sections), None)
        if place is not None:
            return FilePlace(place.file, place.line, f"{key} is not set here; its default counts")
        unset = " is not set in this file; its default counts" if self.top.file else " has its default"
        return FilePlace(self.top.file, self.top.line, f"{key}{unset}")


def key_places(layers: Iterable[str], overrides: Iterable[str] = ()) -> KeyPlaces:
    """The place of each value; that of a later layer replaces an earlier one's.

    Args:
        layers: recipes and files, as given to `load_config`.
        overrides: `section.key=value`.

    Raises:
        InputError: a layer cannot be read.
    """
    values: dict[str, FilePlace] = {}
    sections: dict[str, FilePlace] = {}
    chains = [layer_chain(str(layer)) for layer in layers]
    top = FilePlace(next((chain[-1].file for chain in reversed(chains) if chain[-1].file is not None), None))
    for chain in chains:
        for link in chain:
            keys = [key for key, _ in flatten(link.settings)]
            if link.file is None:
                values |= {key: _of_recipe(key, link.name, chain, top) for key in keys}
                continue
            found = {key: FilePlace(link.file, line) for key, line in key_lines(link.file).items()}
            sections |= found
            values |= {key: found.get(key, FilePlace(link.file)) for key in keys}
    typed = [key for text in overrides for key, _ in flatten(parse_override(text))]
    return KeyPlaces(
        top, values | {key: FilePlace(top.file, top.line, f"{key} is from --set") for key in typed}, sections
    )


def _of_recipe(key: str, recipe: str, chain: Sequence[Layer], top: FilePlace) -> FilePlace:
    """The line that extends a recipe; the top of the file where the recipe was named beside it."""
    if len(chain) > 1 and chain[1].file is not None:
        note = f"{key} is from {recipe}, which this line extends"
        return FilePlace(chain[1].file, key_lines(chain[1].file).get("extends", 1), note)
    return FilePlace(top.file, top.line, f"{key} is from {recipe}{', named beside this file' if top.file else ''}")


def error_place(error: InputError, layers: Iterable[str]) -> FilePlace:
    """The line of what is wrong with a configuration, as far as it can be told.

    Args:
        error: what `load_config` raised, or what was found later about the value of a key.
        layers: recipes and files, as given to `load_config`.
    """
    given = [Path(layer) for layer in layers if Path(layer).is_file()]
    named = Path(error.file) if error.file and Path(error.file).is_file() else None
    file = named or (given[-1] if given else None)
    mark = getattr(error.__cause__, "problem_mark", None) or getattr(error.__cause__, "context_mark", None)
    if named is not None and mark is not None:
        return FilePlace(named, mark.line + 1)
    if named is None and error.file in (None, "--set"):
        return FilePlace(file)
    return _nearest(named, error.key or "", layers) or FilePlace(file)


def _nearest(file: Path | None, key: str, layers: Iterable[str]) -> FilePlace | None:
    """The line of a key in a file, or in whichever of the layers sets it."""
    try:
        lines = (
            {k: FilePlace(file, line) for k, line in key_lines(file).items()} if file else key_places(layers).sections
        )
    except InputError:
        return None
    return next((lines[path] for path in _upwards(key) if path in lines), None)


def _upwards(key: str) -> list[str]:
    """A dotted path, and the sections above it from the innermost."""
    parts = key.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
