"""Command-line options that have a new name: the old one works for one more release, hidden and with a hint."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from typer.core import TyperGroup

from neuromf.training.process_group.place import launched_place


@dataclass(frozen=True)
class RenamedOption:
    """One option under two names.

    Attributes:
        command: word after `neuromf` that takes it.
        old: former name.
        new: present name.
        removed_in: version that no longer knows the former name.
    """

    command: str
    old: str
    new: str
    removed_in: str

    @property
    def hint(self) -> str:
        """One line that names the new option and when the old name ends."""
        return f"neuromf: {self.old} is now {self.new}; the old name stops working in version {self.removed_in}"


RENAMED = (RenamedOption("train", "--despite", "--allow-blocked", removed_in="0.2.0"),)
"""Every option whose former name is still accepted. Remove a row in the version that it names."""


class RenamingGroup(TyperGroup):
    """A group of commands that accepts the former names of their options."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:  # noqa: ANN401
        """The command that was typed, and its arguments with every option under its present name."""
        name, command, rest = super().resolve_command(ctx, args)
        found = [option for option in RENAMED if option.command == name]
        renamed = list(_renamed(rest, found))
        if renamed != rest and not ctx.resilient_parsing and launched_place().speaks:
            for option in found:
                if any(argument.partition("=")[0] == option.old for argument in rest):
                    print(option.hint, file=sys.stderr)
        return name, command, renamed


def _renamed(arguments: Sequence[str], options: Sequence[RenamedOption]) -> Iterator[str]:
    """The arguments with old names replaced, in `--old VALUE` and `--old=VALUE`; what follows `--` is no option."""
    new_names = {option.old: option.new for option in options}
    positional = False
    for argument in arguments:
        positional = positional or argument == "--"
        name, equals, value = argument.partition("=")
        yield argument if positional else f"{new_names.get(name, name)}{equals}{value}"
