r"""Text that any stream can show, from names that may hold any bytes and for terminals that may know ASCII alone.

A file's name is bytes. Python hands over those that it cannot decode as lone surrogates, which no encoding has: printed
as they are, or written into a page, they end the command. What is UTF-8 is shown as such, any other byte as `\xe9`.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import IO

READABLE = "neuromf.readable"
"""Name of the error handler, for `open`, `encode` and `reconfigure`."""
PLAIN = {"→": "->", "–": "-", "—": "-", "…": "...", "×": "x", "·": "-", "≈": "about ", "“": '"', "”": '"'}
"""What our own texts hold besides ASCII, in ASCII."""


def readable(text: str) -> str:
    """Text without lone surrogates: bytes that are UTF-8 as letters, others escaped."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a surrogate that stands for no byte, as JSON may hold
        return text.encode("utf-8", "backslashreplace").decode()


def printable(text: str) -> str:
    """Readable text that neither breaks the line nor steers the terminal, whatever a file or a name holds."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in readable(text))


def show_all(streams: Iterable[IO[str] | None]) -> None:
    """Make text streams show what their encoding does not know instead of raising an error."""
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)  # a stream that somebody put in its place may have none
        if reconfigure is not None:
            reconfigure(errors=READABLE)


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = readable(error.object[error.start : error.end])
    return "".join(_encodable(letter, error.encoding) for letter in letters), error.end


def _encodable(letter: str, encoding: str) -> str:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return PLAIN.get(letter, letter.encode("ascii", "backslashreplace").decode())
    return letter


codecs.register_error(READABLE, _replace)


def rounded(value: float, digits: int = 3) -> str:
    """A number of so many digits, written out where it is of a size to read: 1,250 and not 1.25e+03.

    >>> rounded(1250.4), rounded(0.03456, 2), rounded(3.2e15), rounded(float("nan"))
    ('1,250', '0.035', '3.2e+15', 'nan')
    """
    return f"{float(f'{value:.{digits}g}'):,.12g}"
