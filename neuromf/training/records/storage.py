"""A disk that is full, or a folder that may not be written, as one clear sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from neuromf.errors import InputError


@contextmanager
def written_to(root: Path) -> Iterator[None]:
    """Turn the refusal of a disk in the block into a sentence; what stood there before is whole.

    Raises:
        InputError: naming the file, or `root` where the error names none.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "make room or choose a writable folder, then go on with --resume: what was saved before is whole"
        file = getattr(error, "filename", None) or root
        raise InputError(f"cannot be written ({reason})", remedy=remedy, file=str(file)) from error
