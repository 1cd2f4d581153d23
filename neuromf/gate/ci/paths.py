"""Paths of files as CI wants them: from the working folder, and as URIs."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def from_here(path: Path) -> Path | None:
    """A path counted from the working folder; None where the file lies elsewhere.

    Links within the folder stay as they are named: a repository knows the link.
    """
    for here, file in ((os.getcwd(), os.path.abspath(path)), (os.path.realpath("."), os.path.realpath(path))):
        if Path(file).is_relative_to(here):
            return Path(file).relative_to(here)
    return None


def uri(path: Path) -> str:
    """The relative reference of a file below the working folder, the absolute URI of any other."""
    near = from_here(path)
    return Path(os.path.abspath(path)).as_uri() if near is None else quote(os.fsencode(near.as_posix()))
