"""Tensors of a safetensors file, also where a file system maps no files into memory."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, load_file
from torch import Tensor


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors by name, on the CPU.

    The library maps the file. It calls a file that may not be opened missing, and some file systems refuse the map of
    one that may: what it fails on is therefore read as bytes, which ends in the tensors or in the true reason.

    Raises:
        OSError: the file is missing or cannot be read.
        SafetensorError: it is damaged.
    """
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError):
        return dict(load(path.read_bytes()))
