"""Doctests of docstrings as examples: without a heading of their own, Markdown takes `>>>` for quotations."""

from __future__ import annotations

from typing import Any

import griffe

HEADING = "Examples:"


class Examples(griffe.Extension):
    """Puts the heading that Google's style asks for above a doctest, before the docstring is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:  # noqa: ANN401
        """Indent the first doctest of a docstring, and all that follows it, below the heading."""
        if obj.docstring is None or HEADING in obj.docstring.value:
            return
        before, prompt, after = obj.docstring.value.partition(">>> ")
        if prompt:
            indented = (prompt + after).replace("\n", "\n    ")
            obj.docstring.value = f"{before.rstrip()}\n\n{HEADING}\n    {indented}"
