"""A case's contract: configuration and parameters as text, and where they differ from those kept."""

from __future__ import annotations

from pathlib import Path

from neuromf.config.resolve import resolved_text
from neuromf.config.schema import Config
from neuromf.golden.parameters import parameter_text


def contract_problems(folder: Path, config: Config) -> list[str]:
    """Where configuration or parameters differ from those kept in `folder`, line by line."""
    problems = []
    for name, text in contract_texts(config).items():
        path = folder / name
        golden = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        now = text.splitlines()
        found = [f"{name}: golden lacks `{line}`" for line in now if line not in golden]
        found += [f"{name}: golden has `{line}`" for line in golden if line not in now]
        if now != golden and not found:
            found = [f"{name}: its lines stand in another order, or not as often"]
        problems += found
    return problems


def contract_texts(config: Config) -> dict[str, str]:
    """The files `config.txt` and `params.txt` of a configuration, by name."""
    return {"config.txt": resolved_text(config), "params.txt": parameter_text(config)}
