"""A table of 100,000 scans: how long until a training knows its scans, their subjects and its split."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = 100_000
SECONDS, MEBIBYTES = 5.0, 1024.0
"""Half of the time, and all of the memory, that `test_large_cohort` gives a training's whole start."""
READ = """
import json, sys, time
from pathlib import Path

from neuromf.data.splits import split_scans
from neuromf.data.table_selection import select_from_table

begin = time.process_time()
scans = select_from_table(Path(sys.argv[1])).scans
splits = split_scans(scans, (0.85, 0.1, 0.05), 42)
seconds = time.process_time() - begin
largest = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print(json.dumps({"scans": len(scans), "subjects": len(splits), "s": seconds, "mib": int(largest.split()[1]) / 1024}))
"""
"""A process of its own, whose largest resident size is not that of the benchmarks before it."""


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
    command = [sys.executable, "-c", READ, str(tmp_path / "cohort.csv")]
    told = [subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True) for _ in range(2)]
    found = [json.loads(one.stdout) for one in told]
    print(found)
    assert {(one["scans"], one["subjects"]) for one in found} == {(ROWS, ROWS // 2)}
    assert max(one["mib"] for one in found) <= MEBIBYTES, found
    assert min(one["s"] for one in found) <= SECONDS, found
