"""What the code of some modules computes, as a hash: part of the name of everything that is kept of their results.

Comments, docstrings, blank lines and the ends of lines do not enter it, anything else does: a number raised by hand
would be forgotten, and what an older version made would be taken for what this one makes.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType

from neuromf.source_code import source_hash

ENCODING = (
    "neuromf.data.background", "neuromf.data.encoded", "neuromf.data.latents", "neuromf.data.nifti",
    "neuromf.data.nifti_file", "neuromf.data.prepared", "neuromf.data.preprocess", "neuromf.data.statistics",
    "neuromf.data.voxel_size", "neuromf.nets.own_vae", "neuromf.nets.tiling", "neuromf.nets.vae",
    "neuromf.nets.vae_architecture",
)  # fmt: skip
"""Modules that decide a scan's latent and what is kept with it."""
STORING = (
    "neuromf.data.content", "neuromf.data.manifest", "neuromf.data.splits", "neuromf.data.store_description",
)  # fmt: skip
"""Modules that decide, besides, what else stands in a store."""
DEMONSTRATION = (
    "neuromf.data.bspline", "neuromf.data.cohort", "neuromf.data.contents", "neuromf.data.demo",
    "neuromf.data.identity", "neuromf.data.image_files", "neuromf.data.left_out", "neuromf.data.naming",
    "neuromf.data.scan", "neuromf.data.schemes", "neuromf.data.selection", "neuromf.data.subjects",
    "neuromf.data.template", "neuromf.data.variation", "neuromf.data.versions",
)  # fmt: skip
"""Modules that decide, besides, the built-in cohort's scans, and whose they are."""
LIBRARIES = ("monai", "nibabel", "nilearn")
"""Libraries whose minor versions may resample, read or ship other values; of torch and numpy rounding alone differs."""


def code_facts(modules: Iterable[str]) -> dict[str, str]:
    """Hashes of modules by name, and versions of the libraries that compute for them."""
    facts = {name: module_hash(name) for name in modules}
    return facts | {name: ".".join(importlib.metadata.version(name).split(".")[:2]) for name in LIBRARIES}


@cache
def module_hash(name: str) -> str:
    """Hash of a module's code, which is not imported for it.

    Where an installation left the source out, its compiled form is hashed; that differs between versions of Python.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(name)
    source = _source(spec)
    if source is not None:
        return source_hash(source)
    code = spec.loader.get_code(name)  # type: ignore[union-attr] # every loader of a module of Python code has it
    return hashlib.sha256(repr(_instructions(code)).encode()).hexdigest()


def _source(spec: ModuleSpec) -> str | None:
    """What the loader tells, or the file holds: a loader that rewrites assertions, as pytest's, tells nothing."""
    with suppress(ImportError, AttributeError, OSError):
        text: str | None = spec.loader.get_source(spec.name)  # type: ignore[union-attr]
        return text
    origin = Path(spec.origin or "")
    return importlib.util.decode_source(origin.read_bytes()) if origin.suffix == ".py" and origin.is_file() else None


def _instructions(code: CodeType) -> list[object]:
    constants = [_instructions(one) if isinstance(one, CodeType) else _constant(one) for one in code.co_consts]
    return [code.co_code.hex(), constants, code.co_names, code.co_varnames]


def _constant(value: object) -> object:
    """A constant in one form for every process: the order of a set is none."""
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)
