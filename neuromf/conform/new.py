"""Commented adapters to begin with (`neuromf conform --new`)."""

from __future__ import annotations

from importlib import resources


def new_adapter(kind: str) -> str:
    """Text of an adapter that runs: it hands over a small code of its own, which the user replaces."""
    return resources.files("neuromf.conform").joinpath(f"templates/{kind}.txt").read_text(encoding="utf-8")
