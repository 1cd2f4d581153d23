"""The folder that the guard of a loop writes: what `watch`, `report`, `compare` and `diagnose` take as a run.

`guard.json` says that it is a loop's and what is known of it, `trace.csv` has a row a step, `events.jsonl` the alarms,
`pace.csv` the times. There is no `config.yaml`, for the configuration is the user's and not known.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import neuromf
from neuromf.errors import InputError
from neuromf.output import write_output
from neuromf.training.records.run_folder import RunFolder

UNKNOWN = "a loop of the user's own, whose configuration is not known: no law judges that"
"""What every command says of such a run."""
REMEDY = "give the folder of a neuromf.Guard, whole"


def facts_file(root: Path) -> Path:
    """The file that says that a folder is the record of a loop."""
    return root / "guard.json"


def is_loop_record(root: Path) -> bool:
    """Whether a folder is what the guard of a loop wrote."""
    return facts_file(root).is_file() and not RunFolder(root).config.is_file()


def new_facts(total_steps: int | None, nothing: float | None) -> dict[str, Any]:
    """What is known of a loop that begins."""
    versions = {"neuromf": neuromf.__version__, "python": platform.python_version(), "machine": platform.machine()}
    return {**versions, "total_steps": total_steps, "loss_of_predicting_nothing": nothing, "ended": False}


def write_facts(root: Path, facts: Mapping[str, Any]) -> None:
    """Write `guard.json`, whole or not at all.

    Raises:
        InputError: the disk refuses it.
    """
    write_output(facts_file(root), json.dumps(dict(facts), indent=1) + "\n")


def read_facts(root: Path) -> dict[str, Any]:
    """What `guard.json` says.

    Raises:
        InputError: it cannot be read.
    """
    path = facts_file(root)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        total = facts.get("total_steps")
        if total is not None and (type(total) is not int or total < 1):
            raise ValueError(f"total_steps {total!r}")
        return dict(facts)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"not readable ({error})", remedy=REMEDY, file=path) from error
