"""The licence of exported weights, which is for the user to say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuromf.errors import InputError

KEY = "--licence"
UNNAMED = "not named by who exported the weights"
TEXT_FILES = (".txt", ".md", ".rst")
FIRST_LINE = 120
"""Letters of a file's first line that stand for its name."""


@dataclass(frozen=True)
class Licence:
    """What the weights may be used for.

    Attributes:
        name: in a line.
        text: all that is said of it.
    """

    name: str
    text: str


def read_licence(given: str | None) -> Licence:
    """A licence by its name, or the text of its file.

    Args:
        given: a name such as CC-BY-4.0, or a file; None where the user said nothing.

    Raises:
        InputError: it looks like a file that is not there, or says nothing.
    """
    if given is None:
        return Licence(UNNAMED, f"The licence of the network's weights is {UNNAMED}: ask before you use them.")
    path = Path(given)
    if path.is_file():
        return _from_file(path)
    if path.suffix.lower() in TEXT_FILES or path.name != given or not given.strip():
        remedy = "give the file of the licence, or its name as in --licence CC-BY-4.0"
        problem = "there is no such file" if given.strip() else "is empty"
        raise InputError(problem, remedy=remedy, file=given.strip() or None, key=KEY)
    return Licence(given.strip(), f"The network's weights: {given.strip()}.")


def _from_file(path: Path) -> Licence:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({error})", remedy="give a text file in UTF-8", file=path, key=KEY) from error
    if not text:
        raise InputError("is empty", remedy="give the text of the licence, or its name", file=path, key=KEY)
    return Licence(text.splitlines()[0].strip()[:FIRST_LINE], text)
