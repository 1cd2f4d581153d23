"""The table of an evaluated smoke training on the page `docs/how-to/evaluate-a-model.md`.

`golden/evaluation/smoke.json` is what `neuromf evaluate` wrote of it, `golden/evaluation/README.md` says how it was
made. `python -m tools.studies.evaluated_smoke` writes the table.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neuromf.checkout import ROOT, golden_folder
from neuromf.evaluation.metrics.catalogue import BY_KEY
from neuromf.output import write_output
from tools.marked_block import replace_block

KEPT = golden_folder() / "evaluation" / "smoke.json"
PAGE = ROOT / "docs" / "how-to" / "evaluate-a-model.md"
BLOCK = "evaluated"
COLUMNS = ("1 evaluation", "50 evaluations", "training scans", "mean image")
SHOWN = (
    "sliced_wasserstein", "mmd", "frechet_25d", "frechet_3d", "precision", "recall", "diversity", "spectrum", "grey",
    "copying",
)  # fmt: skip


def read(path: Path = KEPT) -> dict[str, Any]:
    """The kept evaluation."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def table(evaluation: dict[str, Any]) -> str:
    """Markdown: a row a number, each value with its interval."""
    rows = {row["name"]: row["measures"] for row in evaluation["rows"]}
    lines = [f"| | {' | '.join(COLUMNS)} |", "|---" * (1 + len(COLUMNS)) + "|"]
    for key in SHOWN:
        measure = BY_KEY[key]
        unit = f" ({measure.unit})" if measure.unit else ""
        lines.append(f"| {measure.title}{unit} | {' | '.join(_cell(rows[name].get(key)) for name in COLUMNS)} |")
    return "\n".join(lines)


def _cell(found: dict[str, float] | None) -> str:
    if found is None:
        return ""
    value, low, high = (f"{found[name]:.3g}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def main() -> None:
    """Write the table into its page."""
    write_output(PAGE, replace_block(PAGE.read_text(encoding="utf-8"), BLOCK, table(read())))


if __name__ == "__main__":
    main()
