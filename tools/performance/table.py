"""The performance table of `golden/bench/README.md`, written from the stored measurements.

`python -m tools.performance.table` writes it between its two marks.
"""

from __future__ import annotations

from neuromf.checkout import golden_folder
from neuromf.output import write_output
from tools.marked_block import replace_block
from tools.performance.figures import Figure, MachineFigures, read_all

README = golden_folder() / "bench" / "README.md"
BLOCK = "performance"
"""Name of the table's block."""


def table(measurements: list[MachineFigures]) -> str:
    """Markdown: a heading line and a table for each machine."""
    return "\n\n".join(_machine_table(measurement) for measurement in measurements)


def _machine_table(measurement: MachineFigures) -> str:
    machine = measurement.machine
    head = (
        f"{machine.name}, {machine.cores} cores, {machine.threads} threads, {machine.memory_gib:g} GiB, "
        f"torch {machine.torch}: {', '.join(f'`{command}`' for command in measurement.commands)}"
    )
    rows = [f"| {f.name} | {_number(f)} | {'' if f.bar is None else f'{f.bar:.3g}'} |" for f in measurement.figures]
    return "\n".join([head, "", "| | measured | at most |", "|---|---|---|", *rows])


def _number(figure: Figure) -> str:
    spread = "" if figure.low is None or figure.high is None else f" ({figure.low:.3g} to {figure.high:.3g})"
    return f"{figure.value:.3g} {figure.unit}".strip() + spread


def main() -> None:
    """Write the table into its page."""
    write_output(README, replace_block(README.read_text(), BLOCK, table(read_all())))


if __name__ == "__main__":
    main()
