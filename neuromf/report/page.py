"""What all HTML pages share: the template engine, the style, and the check of the path a page is written to."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

from neuromf.errors import InputError
from neuromf.gate.result import format_value

DOCTYPE = "<!doctype html>"


def render_page(template: str, **values: object) -> str:
    """HTML text of a page that loads nothing from anywhere.

    Args:
        template: name of a template in this module's folder.
        values: what it shows.
    """
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = format_value
    return environment.get_template(template).render(**values)


def check_page(path: Path, key: str = "--out") -> None:
    """Make sure that a page may be written there.

    Args:
        path: the file.
        key: the option that names it.

    Raises:
        InputError: it is a folder, lies in none, or another kind of file would be overwritten.
    """
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError("cannot be written", remedy="give a file in a folder that exists", file=path, key=key)
    if path.exists() and not path.read_bytes()[: len(DOCTYPE)].lower().startswith(DOCTYPE.encode()):
        raise InputError("is a file of another kind", remedy="give another name", file=path, key=key)


def _source(name: str) -> str:
    return resources.files("neuromf.report").joinpath(name).read_text(encoding="utf-8")
