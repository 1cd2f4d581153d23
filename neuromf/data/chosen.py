"""The scans that a configuration chooses: those of a folder, or those of a table."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from neuromf.config.schema import DataConfig
from neuromf.data.cohort import select_scans
from neuromf.data.scan import Scan
from neuromf.data.selection import Selection
from neuromf.data.splits import split_scans
from neuromf.data.table_selection import select_from_table
from neuromf.errors import InputError

LONGEST_ID = 240
"""Bytes of a scan's id: file systems allow a name 255, of which the ending of a latent's file takes 12."""
_MOST_BYTES = 4
"""Of a letter."""


def chosen_selection(data: DataConfig) -> Selection | None:
    """What a folder or a table offers and what of it is taken; None for the built-in cohort, which is made.

    Raises:
        InputError: the folder or table is not there, holds no scan, does not tell scans or subjects apart, or names a
            scan so that no file can have the name.
    """
    if data.root is None:
        return None
    read = select_from_table if data.source == "table" else select_scans
    selection = read(Path(data.root))
    _refuse_long(selection)
    return selection


def _refuse_long(selection: Selection) -> None:
    """Before hours of encoding: a latent's file is named by its scan's id."""
    for scan in selection.scans:
        if len(scan.scan_id) * _MOST_BYTES > LONGEST_ID and len(os.fsencode(scan.scan_id)) > LONGEST_ID:
            size = len(os.fsencode(scan.scan_id))
            problem = f"the scan id {scan.scan_id[:40]!r}... has {size} bytes, more than {LONGEST_ID}"
            remedy = f"give {scan.path} a shorter name, or write a table with a scan_id of your own"
            raise InputError(problem, remedy=remedy, file=selection.root, key="scan_id")


@dataclass(frozen=True)
class Cohort:
    """The scans of a configuration, looked for once in a command: the names of 100,000 files take seconds to read.

    Attributes:
        data: which scans are asked for.
    """

    data: DataConfig

    @cached_property
    def selection(self) -> Selection | None:
        """What `chosen_selection` gives."""
        return chosen_selection(self.data)

    @property
    def scans(self) -> list[Scan]:
        """What is taken; nothing of the built-in cohort."""
        return [] if self.selection is None else self.selection.scans

    @cached_property
    def splits(self) -> dict[str, str]:
        """Split by subject, if all scans can be used; empty for the built-in cohort.

        Raises:
            InputError: the shares of the splits are no shares.
        """
        return split_scans(self.scans, self.data.split_ratios, self.data.split_seed) if self.scans else {}
