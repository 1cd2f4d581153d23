"""The one exception a user may see: what is wrong, where, and what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

from neuromf.readable import printable


class InputError(Exception):
    """Bad input at the boundary; the command line prints it as one sentence and exits with code 2.

    Args:
        problem: what is wrong, naming the value that was read.
        remedy: what the user can do about it, as an imperative clause.
        file: the file that holds the problem, when there is one.
        key: the configuration key, column or field concerned, when there is one.
    """

    def __init__(self, problem: str, *, remedy: str, file: Path | str | None = None, key: str | None = None) -> None:
        self.problem = problem
        self.remedy = remedy
        self.file = str(file) if file is not None else None
        self.key = key
        super().__init__(self.sentence)

    def __reduce__(self) -> tuple[Callable[..., InputError], tuple[object, ...]]:
        """What another process needs to raise it anew; without this a pool of processes breaks on it."""
        return _again, (type(self), self.problem, self.remedy, self.file, self.key)

    @property
    def sentence(self) -> str:
        """File, key, problem and remedy as one sentence."""
        where = ": ".join(part for part in (self.file, self.key) if part)
        text = f"{where}: {self.problem}; {self.remedy}." if where else f"{self.problem}; {self.remedy}."
        return printable(text)


class UnreadableError(InputError):
    """A file is there, or may be, and the system does not give it: no permission, a failing disk, a lost server.

    Nothing is known of what it holds, so nobody may call it damaged or absent and put another in its place.
    """

    @classmethod
    def of(cls, path: Path | str, error: OSError) -> UnreadableError:
        """What the system said of a path."""
        forbidden = error.errno in (errno.EACCES, errno.EPERM)
        remedy = "ask its owner to let you read it" if forbidden else "see that its disk answers, then try again"
        return cls(f"cannot be read ({error.strerror or error})", remedy=remedy, file=path)


class UntrustedArithmeticError(InputError):
    """The processor computes wrongly what the run needs: no fault of the configuration."""


def _again(kind: type[InputError], problem: str, remedy: str, file: str | None, key: str | None) -> InputError:
    return kind(problem, remedy=remedy, file=file, key=key)
