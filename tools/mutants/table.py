"""The table of `golden/mutants/README.md`, written from the stored results."""

from __future__ import annotations

from collections.abc import Sequence

from tools.marked_block import replace_block
from tools.mutants.areas import areas
from tools.mutants.results import FOLDER, AreaResult, Equivalent, read_equivalents, read_results, score

README = FOLDER / "README.md"
BLOCK = "mutants"
"""Name of the table's block."""
HEAD = "| folder | changes | tried | noticed | equivalent | score | measured | seed | minutes |"


def table(results: Sequence[AreaResult], equivalents: Sequence[Equivalent]) -> str:
    """Markdown: a row a folder of the product; a folder without a result is said not to be measured."""
    measured = {result.area: result for result in results}
    rows = [_row(name, measured.get(name), equivalents) for name in areas()]
    return "\n".join([HEAD, "|---|---|---|---|---|---|---|---|---|", *rows])


def _row(name: str, result: AreaResult | None, equivalents: Sequence[Equivalent]) -> str:
    if result is None:
        return f"| `{name}` | | | | | not measured | | | |"
    noticed, counted = score(result, equivalents)
    cells = (
        f"`{name}`", result.mutants, result.sampled, noticed, result.sampled - counted, f"{noticed / counted:.0%}",
        f"{result.date}, {result.commit}", result.seed, round(result.seconds / 60),
    )  # fmt: skip
    return f"| {' | '.join(str(cell).replace('%', ' %') for cell in cells)} |"


def page() -> str:
    """The page as it must be for what is stored."""
    return replace_block(README.read_text(encoding="utf-8"), BLOCK, table(read_results(), read_equivalents()))
