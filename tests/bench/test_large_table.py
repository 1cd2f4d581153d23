"""A table of 100,000 scans: how long until a training knows its scans, their subjects and its split."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from neuromf.data.splits import split_scans
from neuromf.data.table_selection import select_from_table

ROWS = 100_000
SECONDS, MEBIBYTES = 5.0, 1024.0
"""Half of the time, and all of the memory, that `test_large_cohort` gives a training's whole start."""


def write_table(path: Path, rows: int) -> None:
    """A table as `neuromf data index` writes it, of ten data sets with two scans a subject."""
    lines = ["scan_id,subject,session,dataset,group,modality,path,include,reason,subject_from,shape,spacing_mm,notes"]
    for row in range(rows):
        name = f"PT{row % 10:03d}_SET/sub_{row // 2}/ses_{row % 2 + 1}/t1"
        lines.append(
            f"{name.replace('/', '_')},PT{row // 2 % 10:03d}_SET/sub_{row // 2},ses_{row % 2 + 1},PT{row % 10:03d}_SET,"
            f"control,T1w,/data/{name}.nii.gz,True,,names of FOMO-60K,256x256x128,1x1x1.25,"
        )
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.bench
def test_a_table_of_100000_scans_is_read_and_split(tmp_path):
    """Reading, checking and splitting the table leaves half of a start's time to the rest, within its memory."""
    write_table(tmp_path / "cohort.csv", ROWS)
    took = []
    for _ in range(2):
        begin = time.process_time()
        scans = select_from_table(tmp_path / "cohort.csv").scans
        splits = split_scans(scans, (0.85, 0.1, 0.05), 42)
        took.append(time.process_time() - begin)
        assert (len(scans), len(splits)) == (ROWS, ROWS // 2)
    assert min(took) <= SECONDS, took
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 <= MEBIBYTES
