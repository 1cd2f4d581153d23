"""What a source says, as a hash: comments, docstrings, blank lines and the ends of lines do not enter it."""

from __future__ import annotations

import ast
import hashlib
import json


def source_hash(source: str) -> str:
    """Hash of what a source says, the same under every version of Python that reads it."""
    text = json.dumps(_meaning(ast.parse(source)), separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _meaning(node: object) -> object:
    """A node as nested lists: its kind and what it holds; no places, no texts that stand alone, nothing empty."""
    if isinstance(node, list):
        return [_meaning(one) for one in node if not _is_text(one)]
    if isinstance(node, ast.Constant):
        return ["Constant", type(node.value).__name__, repr(node.value)]
    if isinstance(node, ast.AST):
        parts = [[name, _meaning(value)] for name, value in ast.iter_fields(node) if value not in (None, [])]
        return [type(node).__name__, *parts]
    return repr(node)


def _is_text(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
