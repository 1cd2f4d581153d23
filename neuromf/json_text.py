"""JSON that a strict parser reads: it has no NaN and no infinity, which become the text `nan`, `inf` or `-inf`."""

from __future__ import annotations

import json
import math
from typing import Any


def json_text(document: Any) -> str:  # noqa: ANN401
    """A document as JSON; what JSON does not know is told as text."""
    return json.dumps(_named(document), indent=1, allow_nan=False, default=str)


def _named(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_named(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
