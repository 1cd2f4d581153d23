"""Pages that are made from the code when the site is built: a page a law, the command line, every configuration key."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files
from neuromf_spec.law import Law
from neuromf_spec.registry import laws
from neuromf_spec.sources import UNPINNED, documents
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from neuromf.cli.app import app
from neuromf.config.schema import Config

PUBLISHED = "[How often the static checks are right about published runs](published-runs.md)."
WORDS = {"S": "static check", "P": "property test", "G": "golden trace", "R": "running trainer"}


def on_files(files: Files, config: Any) -> Files:  # noqa: ANN401
    """Add the generated pages to those that are written."""
    pages = {f"laws/{law.id}.md": law_page(law) for law in laws().values()}
    pages["laws/index.md"] = law_index()
    pages["laws/published-runs.md"] = published_runs_page(Path(config["docs_dir"]).parent / "spec/MATRIX.md")
    pages["reference/command-line.md"] = command_line_page()
    pages["reference/configuration.md"] = configuration_page()
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_content(content: str, **_: object) -> str:
    """Typeset the formulas of docstrings, which Markdown shows as they are written."""
    written = re.compile(r":math:<code>(.*?)</code>", re.DOTALL)
    return written.sub(lambda found: convert(html.unescape(found[1])), content)


def law_index() -> str:
    """All laws in a table."""
    rows = [
        f"| [{law.id}]({law.id}.md) | {law.title} | {law.severity.value} | {_enforcers(law)} |"
        for law in laws().values()
    ]
    head = "| law | says | when broken | held by |\n|---|---|---|---|"
    about = f"{len(rows)} laws. `neuromf laws show ID` prints one. {PUBLISHED}"
    return "\n".join(["# Laws", "", about, "", head, *rows, ""])


def published_runs_page(matrix: Path) -> str:
    """What the static checks say of published runs: the last section of `spec/MATRIX.md`."""
    section = matrix.read_text(encoding="utf-8").partition("\n## The static checks on published runs\n")[2]
    if not section:
        raise ValueError(f"{matrix} has no section on published runs")
    return f"# The static checks on published runs\n{section}"


def law_page(law: Law) -> str:
    """One law: statement, equation, numbers that keep and break it, remedy, sources."""
    return "\n".join(_law_lines(law)) + "\n"


def _law_lines(law: Law) -> Iterator[str]:
    yield f"# {law.id}: {law.title}"
    yield f"\n{law.statement}\n"
    yield f'<div class="equation">{_equation(law)}</div>\n'
    yield f"**When it is broken**: {law.severity.value}, by {law.basis.value}. {law.remedy}\n"
    yield f"**Held by**: {_enforcers(law)}.\n"
    yield "| | numbers |\n|---|---|"
    yield f"| keep it | {_numbers(law.example)} |"
    yield f"| break it | {_numbers(law.counterexample)} |\n"
    yield "## Sources\n"
    for source in law.sources:
        title = (
            ""
            if source.reference == UNPINNED or source.reference not in documents()
            else documents()[source.reference].title
        )
        yield f"- {html.escape(str(source))}" + (f" ({html.escape(title)})" if title else "")


def _equation(law: Law) -> str:
    """The law's equation on a line of its own, where a fraction has room for its full size."""
    return convert(law.equation.replace(r"\tfrac", r"\frac"), display="block")


def _enforcers(law: Law) -> str:
    return ", ".join(WORDS[enforcer.value] for enforcer in sorted(law.enforcers))


def _numbers(arguments: Any) -> str:  # noqa: ANN401
    return ", ".join(f"`{name} = {value!r}`" for name, value in arguments.items()).replace("|", "\\|")


def command_line_page() -> str:
    """Every command with its options."""
    root = typer.main.get_command(app)
    return "# Command line\n\n" + "\n".join(_commands(root, "neuromf")) + "\n"


def _commands(command: Any, name: str) -> Iterator[str]:  # noqa: ANN401
    if getattr(command, "hidden", False):
        return
    children = getattr(command, "commands", {})
    if not children:
        yield f"## {name}\n\n{command.help or ''}\n"
        yield "| option | meaning |\n|---|---|"
        for option in command.params:
            if getattr(option, "hidden", False) or option.name == "help":
                continue
            names = (
                ", ".join(f"`{text}`" for text in option.opts)
                if option.param_type_name == "option"
                else f"`{option.name.upper()}`"
            )
            yield f"| {names} | {(getattr(option, 'help', '') or '').replace('|', ' or ')} |"
        yield ""
    for child, item in children.items():
        yield from _commands(item, f"{name} {child}")


def configuration_page() -> str:
    """Every key with its default and meaning."""
    lines = [
        "# Configuration",
        "",
        "A YAML file of sections; every key has a default, that of the recipe `recommended`.",
        "",
    ]
    for section, field in Config.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        lines += [
            f"## {section}",
            "",
            (model.__doc__ or "").strip(),
            "",
            "| key | default | meaning |",
            "|---|---|---|",
        ]
        defaults = model.model_construct()
        for key, item in model.model_fields.items():
            lines.append(f"| `{key}` | `{_yaml(getattr(defaults, key))}` | {_choices(item)}{item.description} |")
        lines.append("")
    return "\n".join(lines)


def _yaml(value: object) -> str:
    """A value as a configuration file spells it."""
    return value if isinstance(value, str) else json.dumps(value)


def _choices(field: FieldInfo) -> str:
    """The words that a key may have, where there are only some."""
    if get_origin(field.annotation) is not Literal:
        return ""
    return " or ".join(f"`{word}`" for word in get_args(field.annotation)) + ": "
