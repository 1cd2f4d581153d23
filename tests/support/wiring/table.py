"""The table of `tests/laws/wiring.toml`: by scenario, what each place that reads a setting decides.

`python -m tests.support.wiring.table` writes it anew, for a reader to judge what changed. It keeps the places that
decide nothing, with their reasons, and names those that have none.
"""

from __future__ import annotations

import os
import sys
import tempfile
import tomllib
from pathlib import Path

import torch

from tests.support.wiring.reads import Read, effects, observe, watched
from tests.support.wiring.values import Stage, set_up

FILE = Path(__file__).parents[2] / "laws" / "wiring.toml"
IDLE = "decides nothing"
HEAD = (FILE.read_text(encoding="utf-8").split("\n[", 1)[0] if FILE.is_file() else "") + "\n"


def read_table() -> dict[str, dict[Read, list[str]]]:
    """What each place decides, by scenario."""
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: {_read(text): row for text, row in rows.items()} for name, rows in document.items() if name != IDLE}


def read_idle() -> dict[Read, str]:
    """Places that decide nothing that a scenario shows, each with the reason."""
    document = tomllib.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    return {_read(text): reason for text, reason in document.get(IDLE, {}).items()}


def _read(text: str) -> Read:
    return Read(*text.split(" ", 1))


def reads_of(stage: Stage, name: str) -> tuple[dict[str, str], set[Read]]:
    """What a scenario shows undisturbed, and every place in it that reads."""
    scenario = stage.scenarios[name]
    observe(scenario.run)  # whatever is kept from call to call is kept now
    with watched() as reads:
        base = observe(scenario.run)
    return base, reads


def decided(stage: Stage, name: str, read: Read, base: dict[str, str]) -> list[str]:
    """What changes in a scenario when one place is told another value."""
    scenario = stage.scenarios[name]
    found = {what for value in stage.others(read, scenario.config) for what in effects(scenario.run, read, value, base)}
    return sorted(found)


def write_table(stage: Stage) -> None:
    """Each place in the first scenario that shows what it decides."""
    rows: dict[str, dict[Read, list[str]]] = {}
    idle = read_idle()
    missing: set[Read] = set()
    for name in stage.scenarios:
        base, reads = reads_of(stage, name)
        if "error" in base:
            sys.exit(f"{name} ends in an error")
        known = {read for table in rows.values() for read in table}
        for read in sorted(reads - known - idle.keys()):
            if found := decided(stage, name, read, base):
                rows.setdefault(name, {})[read] = found
            else:
                missing.add(read)
    lines = [HEAD]
    for name, table in rows.items():
        lines += [
            f'\n["{name}"]',
            *(f'"{read}" = {str(found).replace(chr(39), chr(34))}' for read, found in table.items()),
        ]
    lines += [f'\n["{IDLE}"]', *(f'"{read}" = "{reason}"' for read, reason in idle.items())]
    FILE.write_text("\n".join(lines).replace("\n\n\n", "\n\n") + "\n", encoding="utf-8")
    for read in sorted(missing - {read for table in rows.values() for read in table}):
        print(f"decides nothing: {read}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["NEUROMF_CACHE"] = f"{scratch}/cache"
        write_table(set_up(Path(scratch)))
