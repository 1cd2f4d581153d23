"""Templates, styles and scripts of the pages, as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuromf.report import page

FOLDER = Path(page.__file__).parent
SOURCES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".j2", ".css", ".js"))


def in_ascii(path, encoding=None, errors=None, newline=None):
    """As a system reads that knows ASCII alone, unless it is told the encoding."""
    return path.read_bytes().decode(encoding or "ascii", errors or "strict")


@pytest.mark.parametrize("name", SOURCES)
def test_a_template_is_read_as_utf8_on_any_system(name, monkeypatch):
    """Whatever encoding the system takes for its own."""
    monkeypatch.setattr(Path, "read_text", in_ascii)
    assert page._source(name) == (FOLDER / name).read_bytes().decode("utf-8")


def test_some_template_is_not_ascii():
    """Or the test above would see nothing."""
    assert not all((FOLDER / name).read_bytes().isascii() for name in SOURCES)
