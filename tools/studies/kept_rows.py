"""A study's rows as a file, and the table that its page shows of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from neuromf.output import write_output
from tools.marked_block import replace_block


def write_rows(file: Path, frame: pd.DataFrame) -> None:
    """Keep rows, numbers to six digits."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_output(file, frame.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def show_table(folder: Path, block: str, table: str) -> None:
    """Put a table into its block of the folder's page, where there is one."""
    page = folder / "README.md"
    if page.is_file():
        write_output(page, replace_block(page.read_text(encoding="utf-8"), block, table))
