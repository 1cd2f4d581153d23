"""A loop's log, and what a reader of logs says of it: of the finished log, and of the growing one each twenty steps."""

import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.studies.rivals.heard import Heard, SaidAlarm, first_of_each
from tools.studies.rivals.plan import Rows

COLUMNS = ("step", "loss", "lr", "grad_norm", "eval_loss")
EVERY = 20
"""Steps between two looks at the growing log; the first is at `FIRST`."""
FIRST = 40

Reader = Callable[[Path], Sequence[SaidAlarm]]


def write_log(rows: Rows, file: Path) -> None:
    """A CSV as most loops write it: the evaluation's cell is empty but where there was one."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**row, "step": int(row["step"])} for row in rows)


def hear_log(tool: str, run: str, rows: Rows, read: Reader) -> list[Heard]:
    """Two entries: of the finished log, and of the growing one, as its `watch` would see it."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "metrics.csv")
        write_log(rows, file)
        began = time.perf_counter()
        after = first_of_each(read(file))
        seconds = time.perf_counter() - began
        growing: list[SaidAlarm] = []
        for count in range(FIRST, len(rows) + 1, EVERY):
            write_log(rows[:count], file)
            growing += [SaidAlarm(one.kind, one.level, count - 1, one.text) for one in read(file)]
    return [Heard(tool, run, after, seconds), Heard(f"{tool} live", run, first_of_each(growing), 0.0)]
