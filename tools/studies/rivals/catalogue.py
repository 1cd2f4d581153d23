"""The faults, as changes of a loop's text."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class LoopFault:
    """One change of a loop's script.

    Attributes:
        id: short name.
        loop: that is changed.
        origin: public name of the bug, or "ours".
        title: what is wrong.
        cause: words of which an alarm has one if it names the cause, in lower case.
        later: whether it begins at `onset`, not at the first step.
        edits: text of the script, which stands in it once, and what takes its place.
    """

    id: str
    loop: str
    origin: str
    title: str
    cause: tuple[str, ...]
    later: bool
    edits: tuple[tuple[str, str], ...]

    @property
    def public(self) -> bool:
        """Whether somebody else met it."""
        return self.origin != "ours"

    def first_step(self, onset: int) -> int:
        """Step at which it begins."""
        return onset if self.later else 0


@cache
def faults() -> tuple[LoopFault, ...]:
    """The catalogue."""
    document = tomllib.loads((resources.files(__package__) / "faults.toml").read_text(encoding="utf-8"))
    return tuple(
        LoopFault(
            row["id"], row["loop"], row["origin"], row["title"], tuple(row["cause"]), row.get("later", False),
            tuple((find, put) for find, put in row["edits"]),
        )
        for row in document["fault"]
    )  # fmt: skip


def script(loop: str, fault: LoopFault | None = None) -> str:
    """Text of a loop, with a fault or none.

    Raises:
        ValueError: an edit's text does not stand in the script exactly once.
    """
    text = (resources.files(f"{__package__}.scripts") / f"{loop}.py").read_text(encoding="utf-8")
    if fault is None:
        return text
    for find, put in fault.edits:
        if text.count(find) != 1:
            raise ValueError(f"{fault.id}: {find!r} stands {text.count(find)} times in the script")
        text = text.replace(find, put)
    return text
