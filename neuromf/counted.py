"""A number with its noun, as a sentence has it."""

from __future__ import annotations


def counted(number: int | str, one: str, more: str = "") -> str:
    """1 scan, 2 scans; `more` is the plural where it is not the singular with an s, as 2 processes."""
    return f"{number} {one if str(number) == '1' else more or f'{one}s'}"
