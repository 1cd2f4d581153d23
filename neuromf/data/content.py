"""One text for one value, and its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, is_dataclass


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces; dataclasses become mappings, NaN is refused with `ValueError`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_as_mapping)


def content_key(value: object) -> str:
    """Hexadecimal sha256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _as_mapping(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no canonical JSON")
