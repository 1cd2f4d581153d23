"""A file whose form is not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neuromf.config.yaml_file import parse_yaml, read_text
from neuromf.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ReadFile:
    """A file that was read once.

    Attributes:
        path: where it lies.
        text: what it holds.
        tree: its mapping, where it is YAML with one at its top.
        problem: what is wrong with it as YAML.
    """

    path: Path
    text: str
    tree: Mapping[str, object] | None
    problem: InputError | None

    @classmethod
    def of(cls, path: Path) -> ReadFile:
        """Read a file.

        Raises:
            InputError: it is not there, or no text.
        """
        text = read_text(path)
        try:
            tree = parse_yaml(text, file=path)
        except InputError as error:
            return cls(path=path, text=text, tree=None, problem=error)
        return cls(path=path, text=text, tree=tree if isinstance(tree, dict) else None, problem=None)

    @property
    def is_json(self) -> bool:
        """Whether it is written as JSON, which is YAML too."""
        return self.text.lstrip().startswith("{")
