"""Programs of SLURM's names for a machine without one: `sbatch` starts the script at once, as job 7."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SBATCH = """#!/bin/bash
if [[ -e {folder}/refuses ]]; then echo 'sbatch: error: invalid partition' >&2; exit 1; fi
echo 7 > {folder}/queue
export SLURM_JOB_ID=7 SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_JOB_NODELIST=here SLURM_PROCID=0
export SLURM_LOCALID=0
# The script is read before `sbatch` returns, as a cluster does: submitit renames it right after.
job() { bash <<< "$1"; echo "the job ended with code $?"; : > {folder}/queue; }
script=$(< "$1")
if [[ ! -e {folder}/dies ]]; then job "$script" >> {folder}/log 2>&1 < /dev/null & fi
echo 'Submitted batch job 7'
"""
# What a job prints goes where the job asked for, as task 0: the last line is what a lost job is known by.
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do
  case $1 in
    --output) exec > "$(sed 's/%j/7/;s/%t/0/' <<< "$2")"; shift 2 ;;
    --error) exec 2> "$(sed 's/%j/7/;s/%t/0/' <<< "$2")"; shift 2 ;;
    *) shift ;;
  esac
done
exec "$@"
"""
SQUEUE = """#!/bin/bash
if [[ -n $SQUEUE_STATES ]]; then exit 0; fi
if [[ -e {folder}/silent ]]; then exit 1; fi
cat {folder}/queue
"""
SACCT = """#!/bin/bash
echo 'Slurm accounting storage is disabled' >&2
exit 1
"""


class FakeSlurm:
    """Its folder: `queue` holds the ids that `squeue` names, `refuses`, `dies` and `silent` make it fail.

    Args:
        folder: where the programs are put.
        monkeypatch: to put them before all others on the path.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "queue").touch()
        programs = {"sbatch": SBATCH, "srun": SRUN, "squeue": SQUEUE, "sacct": SACCT, "scancel": "#!/bin/bash\n"}
        for name, text in programs.items():
            (folder / name).write_text(text.replace("{folder}", str(folder)), encoding="utf-8")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def will(self, what: str) -> None:
        """Have it refuse jobs (`refuses`), start none (`dies`), or give no queue (`silent`)."""
        (self.folder / what).touch()

    @property
    def queue(self) -> Path:
        """What `squeue` prints."""
        return self.folder / "queue"
