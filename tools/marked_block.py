"""A block of a page that is written from stored numbers, between two marks that a reader does not see."""

from __future__ import annotations


def marks(name: str) -> tuple[str, str]:
    """The lines before and after the block of this name."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def replace_block(text: str, name: str, block: str) -> str:
    """`text` with what stands between the marks replaced."""
    begin, end = marks(name)
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{block}\n{end}{after}"
