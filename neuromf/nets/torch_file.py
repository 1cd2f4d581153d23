"""A file of `torch.save`, read without running anything that it holds."""

from __future__ import annotations

import pickle
import re
import shlex
import zipfile
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from neuromf.errors import InputError

_MULTIARRAY = import_module("numpy._core.multiarray")
_KINDS = ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "U1", "S1", "M8", "m8")
# What a number, text, date or array of numpy is rebuilt with: it holds data, and no more. numpy 1 called it `core`.
_NUMPY: list[Any] = [
    np.dtype, np.ndarray, *(type(np.dtype(name)) for name in _KINDS),
    *((getattr(_MULTIARRAY, name), f"numpy.{core}.multiarray.{name}")
      for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
]  # fmt: skip

_REFUSED = re.compile(r"types allowlisted via `add_safe_globals`, but got <class '([\w.]+)'>")
"""How torch 2.6 to 2.13 names a class that no list of names holds, such as the type of an array of objects."""


def is_torch_file(path: Path) -> bool:
    """Whether torch wrote it, as an archive or as the bare pickle of old versions."""
    with path.open("rb") as file:
        return zipfile.is_zipfile(path) or file.read(2) == b"\x80\x02"


def read_torch_file(path: Path) -> Any:  # noqa: ANN401
    """Tensors, numbers, texts and containers of them; numbers of numpy beside weights are read too.

    Raises:
        InputError: the file is damaged, or holds objects that only code could rebuild; they are named, with the command
            that leaves them out.
    """
    if zipfile.is_zipfile(path):
        _check_archive(path)
    try:
        with safe_globals(_NUMPY):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError) as error:
        if unsafe := _unsafe(path):
            problem = f"holds Python objects that could run code ({', '.join(unsafe[:3])}), and is not read for that"
            raise InputError(problem, remedy=conversion(path), file=path) from error
        if foreign := _REFUSED.search(str(error)):
            problem = f"holds a {foreign[1]}, which is not rebuilt from a file, and is not read for that"
            raise InputError(problem, remedy=conversion(path), file=path) from error
        remedy = "copy or download it again; a file of torch.save or safetensors is read"
        raise InputError(f"the file is damaged ({_first_words(error)})", remedy=remedy, file=path) from error


def _check_archive(path: Path) -> None:
    """Compare every part of a zip archive with its checksum, which torch does not."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise InputError(f"the checkpoint is damaged ({error})", remedy="copy it again", file=path) from error
    if damaged is not None:
        problem = f"the checkpoint is damaged: the checksum of {damaged!r} fails"
        raise InputError(problem, remedy="copy it again from its source", file=path)


def conversion(path: Path, key: str = "") -> str:
    """The command that writes the weights of a file, which its owner must trust, as safetensors.

    Args:
        path: of the file.
        key: under which its state dict stands; empty for one that is to be filled in.
    """
    code = (
        "import sys, torch; from safetensors.torch import save_file; "
        "c = torch.load(sys.argv[1], map_location='cpu', weights_only=False); "
        f"save_file({{k: v.contiguous() for k, v in c['{key or 'state_dict'}'].items()}}, sys.argv[2])"
    )
    names = f"{shlex.quote(str(path))} {shlex.quote(str(path.with_suffix('.safetensors')))}"
    other = "" if key else ", with the key of your state dict for state_dict"
    return f'if you trust it, run python -c "{code}" {names}{other}, and give the new file'


def _unsafe(path: Path) -> list[str]:
    """Names of what the file asks to be rebuilt with; none where that cannot be told."""
    try:
        with safe_globals(_NUMPY):
            return sorted(get_unsafe_globals_in_checkpoint(path))
    except Exception:
        return []


def _first_words(error: Exception) -> str:
    """The first sentence of torch's text, without what colours a terminal."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split("\n")[0]
    return text.split(". ")[0][:120] or type(error).__name__
